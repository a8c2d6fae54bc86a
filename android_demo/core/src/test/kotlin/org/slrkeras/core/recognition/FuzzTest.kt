package org.slrkeras.core.recognition

import org.junit.jupiter.api.Test
import org.slrkeras.core.engine.Engine
import org.slrkeras.core.engine.EngineException
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue

/** Whatever a detector and a clock may send: the engine checks that its inputs and state are finite. */
class FuzzTest {
    @Test
    fun `a hundred thousand random frames break nothing, and what is kept does not grow`() {
        val cases = Golden.read("streams.json").list()
        // Contracts of 3 to 79 points, both normalisations, with and without scores, with and without a clock.
        val plan = listOf(2 to 40_000, 3 to 6_000, 4 to 6_000, 5 to 44_000, 6 to 4_000)
        assertEquals(100_000, plan.sumOf { it.second })
        var sentences = 0
        for ((number, frames) in plan) {
            val bundle = RecogniserTest.mixerBundle(cases[number])
            StreamRecogniser(bundle, { _, _, _, _ -> MixerEngine(bundle.stream) }).use { recogniser ->
                val bound = bound(bundle)
                sentences += survive(recogniser, bundle.contract, frames, number) {
                    assertTrue(recogniser.kept <= bound, "${recogniser.kept} numbers are kept, $bound at most")
                }
            }
        }
        assertTrue(sentences > 500, "$sentences sentences")
    }

    /** Numbers that a recogniser may keep, however long the stream is. */
    private fun bound(bundle: Bundle): Int {
        val (about, rest) = bundle.stream to bundle.stream.options.rest
        val frames = bundle.stream.options.lookAhead + about.referenceFrames + rest.lead + rest.start + about.frames
        return frames * bundle.contract.size + (rest.longest / about.frames + about.delay + 1) * bundle.labels.size
    }

    /** A random stream that ends now and then; gives how many sentences it had. */
    private fun survive(
        recogniser: StreamRecogniser,
        contract: Contract,
        frames: Int,
        seed: Int,
        check: () -> Unit,
    ): Int {
        val noise = Noise(1000L + seed)
        var clock = 0L
        var sentences = 0
        randomStream(seed.toLong(), contract).take(frames).forEachIndexed { number, frame ->
            clock = tick(clock, noise)
            val timed = number / 1000 % 2 == 0
            val events = ArrayList(if (timed) recogniser.push(frame, clock) else recogniser.push(frame))
            check()
            if (noise.below(2000) == 0) events += recogniser.finish()
            if (noise.below(5000) == 0) recogniser.reset()
            sentences += events.count { it is Event.Sentence }
            assertTrue(recogniser.running.all { it.confidence in 0.0..1.0 })
        }
        return sentences
    }

    private fun tick(clock: Long, noise: Noise): Long = when (noise.below(400)) {
        0 -> clock - 1
        1 -> clock - 1_000_000_000_000
        2 -> Long.MAX_VALUE - noise.below(1000)
        3 -> Long.MIN_VALUE + noise.below(1000)
        4 -> clock + 100_000
        5, 6, 7 -> clock
        else -> clock + noise.below(60)
    }

    @Test
    fun `a clock that goes backwards or stands still ends the sentence, and the frame begins another`() {
        val case = Golden.read("streams.json").list()[0]
        val bundle = RecogniserTest.mixerBundle(case)
        for (jump in listOf(-5_000L, 70_000L)) {
            val recogniser = StreamRecogniser(bundle, { _, _, _, _ -> MixerEngine(bundle.stream) })
            val frames = case["raw"].floats().rows(bundle.contract.sourceSize)
            val whole = frames.flatMapIndexed { number, frame -> recogniser.push(frame, number * 40L) }
            val last = recogniser.push(frames[0], frames.size * 40L + jump)
            assertTrue((whole + last).last() is Event.Sentence)
            assertEquals(frames.size, recogniser.frame)
            recogniser.reset()
            val alone = frames.flatMapIndexed { number, frame -> recogniser.push(frame, number * 40L) }
            assertEquals(whole.map { it.frame }, alone.map { it.frame })
        }
    }

    @Test
    fun `a frame of another size is refused and the sentence goes on`() {
        val case = Golden.read("streams.json").list()[0]
        val bundle = RecogniserTest.mixerBundle(case)
        val frames = case["raw"].floats().rows(bundle.contract.sourceSize)
        fun events(wrong: Boolean): List<Int> {
            val recogniser = StreamRecogniser(bundle, { _, _, _, _ -> MixerEngine(bundle.stream) })
            val found = frames.flatMap { frame ->
                if (wrong) {
                    assertFailsWith<IllegalArgumentException> { recogniser.push(FloatArray(0)) }
                    assertFailsWith<IllegalArgumentException> { recogniser.push(FloatArray(frame.size + 1), 5L) }
                }
                recogniser.push(frame)
            }
            return (found + recogniser.finish()).map { it.frame }
        }
        assertEquals(events(false), events(true))
    }

    @Test
    fun `an engine that fails or gives NaN is told of, and the next sentence is sound`() {
        val case = Golden.read("streams.json").list()[0]
        val bundle = RecogniserTest.mixerBundle(case)
        val sound = MixerEngine(bundle.stream)
        var broken = true
        val engine = object : Engine by sound {
            override fun run(values: List<Any>, results: List<Any>) {
                sound.run(values, results)
                if (broken) for (result in results) (result as FloatArray).fill(Float.NaN)
            }
        }
        val recogniser = StreamRecogniser(bundle, { _, _, _, _ -> engine })
        val frames = case["raw"].floats().rows(bundle.contract.sourceSize)
        assertFailsWith<EngineException> { frames.forEach { recogniser.push(it) } }
        broken = false
        recogniser.reset()
        val events = frames.flatMap { recogniser.push(it) } + recogniser.finish()
        assertEquals(case["events"].list().size, events.size)
    }
}
