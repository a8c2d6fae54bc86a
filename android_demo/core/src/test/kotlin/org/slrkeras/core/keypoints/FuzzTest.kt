package org.slrkeras.core.keypoints

import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class FuzzTest {
    private val everything = KeypointOptions(face = true, palms = true)

    private fun parts(found: HolisticLandmarks) =
        listOfNotNull(found.pose, found.face, found.left?.landmarks, found.right?.landmarks)

    @Test
    fun `whatever models, pictures and clocks give, landmarks are numbers or missing`() {
        for (seed in 0 until SEEDS) {
            val nonsense = Nonsense(seed)
            Doubles { _, outputs -> nonsense.answer(outputs) }.tracker(everything).use { tracker ->
                repeat(4) {
                    val found = tracker.track(nonsense.picture(), nonsense.time())
                    val numbers = parts(found).all { part -> part.values.all { it.isFinite() } }
                    assertTrue(numbers, "seed $seed gave landmarks that are no numbers")
                }
            }
        }
    }

    @Test
    fun `memory does not grow with the pictures, whoever comes and goes`() {
        val frames = Integer.getInteger("slr.fuzz.frames", FRAMES)
        val scene = Scene()
        val nonsense = Nonsense(7)
        val doubles = Doubles { model, outputs -> scene.answer(model, outputs) }
        val pictures = List(5) { nonsense.picture() }
        doubles.tracker(everything).use { tracker ->
            fun track(first: Int, end: Int) {
                for (frame in first until end) {
                    scene.person = frame / 7 % 3 != 0
                    scene.hands = frame / 5 % 2 == 0
                    scene.palm = frame / 11 % 2 == 0
                    // A picture stays the same for a while, so that it is followed, and the clock jumps back at times.
                    tracker.track(pictures[frame / 50 % pictures.size], 33.0 * (frame % 1000))
                }
            }
            track(0, frames / 4)
            val before = usedMemory()
            track(frames / 4, frames)
            val grown = usedMemory() - before
            println("memory: $grown bytes more after $frames pictures")
            assertTrue(grown < LIMIT, "$grown bytes more after $frames pictures")
        }
    }

    private fun usedMemory(): Long {
        val runtime = Runtime.getRuntime()
        repeat(3) {
            System.gc()
            Thread.sleep(20)
        }
        return runtime.totalMemory() - runtime.freeMemory()
    }

    private companion object {
        const val SEEDS = 60
        const val FRAMES = 400

        // The lists of a single picture's results would fill this in some thousand pictures.
        const val LIMIT = 2L shl 20
    }
}
