package org.slrkeras.core.recognition

import org.junit.jupiter.api.Test
import org.slrkeras.core.engine.ElementType
import org.slrkeras.core.engine.Engine
import org.slrkeras.core.engine.TensorSpec
import org.slrkeras.core.json.JsonField
import org.slrkeras.core.timing.Stage
import org.slrkeras.core.timing.Stopwatch
import kotlin.test.assertEquals
import kotlin.test.assertNull

/** What went into the little bundle's model and came out of it in Python: refuses anything else, gives the same. */
internal class ReplayEngine(about: StreamDescription, recorded: JsonField) : Engine {
    override val inputs = specs(about.inputs)
    override val outputs = specs(about.outputs)
    private val states = recorded["states"].texts()
    private val calls = recorded["calls"].list()
    private var last: Map<String, FloatArray> = emptyMap()

    var count = 0
        private set

    override fun run(values: List<Any>, results: List<Any>) {
        val call = calls[count++]
        for ((spec, value) in inputs.zip(values)) {
            val nothing = FloatArray(spec.size)
            val expected = when (spec.name) {
                "keypoints" -> if (call["frames"].isNull()) nothing else call["frames"].floats()
                "valid" -> floatArrayOf(if (call["frames"].isNull()) 0f else 1f)
                else -> if (call["fresh"].boolean()) nothing else last.getValue(spec.name)
            }
            assertNear(expected, value as FloatArray, "${call.where}.${spec.name}")
        }
        last = split(call["state"].floats())
        for ((spec, result) in outputs.zip(results)) {
            (last[spec.name] ?: call["scores"].floats()).copyInto(result as FloatArray)
        }
    }

    override fun close() = Unit

    private fun split(together: FloatArray): Map<String, FloatArray> {
        val sizes = outputs.associate { it.name to it.size }
        var place = 0
        return states.associateWith { name ->
            together.copyOfRange(place, place + sizes.getValue(name)).also { place += it.size }
        }
    }

    // Another order than that of metadata.json: names decide.
    private fun specs(shapes: Map<String, List<Int>>) =
        shapes.toSortedMap().map { (name, shape) -> TensorSpec(name, shape.toIntArray(), ElementType.FLOAT32) }
}

class RecogniserTest {
    @Test
    fun `a recogniser around any engine says what Python's says`() {
        for (case in Golden.read("streams.json").list()) {
            val bundle = mixerBundle(case)
            val recogniser = StreamRecogniser(bundle, { _, _, _, _ -> MixerEngine(bundle.stream) })
            compare(case, recogniser, frames(case, bundle.contract))
            // The same once more: nothing of the last stream is left.
            recogniser.reset()
            compare(case, recogniser, frames(case, bundle.contract))
        }
    }

    @Test
    fun `the stopwatch is told of each run of the model and each step of decoding`() {
        val case = Golden.read("streams.json").list().first()
        val bundle = mixerBundle(case)
        val told = ArrayList<Stage>()
        var running: Stage? = null
        val stopwatch = object : Stopwatch {
            override fun begin(stage: Stage) {
                assertNull(running)
                running = stage
            }

            override fun end(stage: Stage) {
                assertEquals(running, stage)
                running = null
                told += stage
            }
        }
        var runs = 0
        val mixer = MixerEngine(bundle.stream)
        val engine = object : Engine by mixer {
            override fun run(values: List<Any>, results: List<Any>) {
                assertEquals(Stage.RECOGNITION_MODEL, running)
                runs++
                mixer.run(values, results)
            }
        }
        compare(
            case,
            StreamRecogniser(bundle, { _, _, _, _ -> engine }, stopwatch = stopwatch),
            frames(case, bundle.contract),
        )
        assertEquals(runs, told.count { it == Stage.RECOGNITION_MODEL })
        assertEquals(setOf(Stage.RECOGNITION_MODEL, Stage.DECODING), told.toSet())
    }

    @Test
    fun `the model sees what it sees in Python, call by call, and its bundle gives the same events`() {
        val recorded = Golden.read("model.json")
        val bundle = Bundle.read(Golden.bundleFiles())
        val engine = ReplayEngine(bundle.stream, recorded)
        val recogniser = StreamRecogniser(bundle, { name, bytes, signature, _ ->
            assertEquals("stream_fp32.tflite" to "serving_default", name to signature)
            assertEquals(Golden.bytes("bundle/$name").size, bytes.size)
            engine
        })
        compare(recorded, recogniser, recorded["raw"].floats().rows(bundle.contract.sourceSize))
        assertEquals(recorded["calls"].list().size, engine.count)
    }

    private fun frames(case: JsonField, contract: Contract): List<FloatArray> {
        if (!case["raw"].isNull()) return case["raw"].floats().rows(contract.sourceSize)
        return randomStream(case["seed"].whole().toLong(), contract).take(case["frames"].whole()).toList()
    }

    private fun compare(case: JsonField, recogniser: StreamRecogniser, frames: List<FloatArray>) {
        val times = case.find("times")?.takeUnless { it.isNull() }?.numbers()?.map { it.toLong() }
        val events = ArrayList<Event>()
        val running = case["running"].list().iterator()
        frames.forEachIndexed { number, frame ->
            if (times != null) {
                events += recogniser.push(frame, times[number])
            } else {
                events += recogniser.push(frame)
                if (recogniser.frame % 10 == 0) compareRunning(running.next(), recogniser.running)
            }
        }
        events += recogniser.finish()
        val expected = case["events"].list()
        assertEquals(expected.size, events.size, case.where)
        expected.zip(events).forEach { (one, other) -> compareEvent(one, other) }
        assertEquals(emptyList(), recogniser.finish())
    }

    private fun compareRunning(expected: JsonField, found: List<RunningGloss>) {
        val (glosses, confidences, said) = expected.list()
        assertEquals(glosses.texts(), found.map { it.gloss }, expected.where)
        assertNear(confidences.numbers(), found.map { it.confidence }, expected.where)
        assertEquals(said.whole(), found.count { it.said }, expected.where)
    }

    private fun compareEvent(expected: JsonField, found: Event) {
        val (kind, frame, glosses, count) = expected.list()
        assertEquals(frame.whole(), found.frame, expected.where)
        when (found) {
            is Event.Gloss ->
                assertEquals("gloss" to glosses.texts(), kind.text() to listOf(found.gloss), expected.where)
            is Event.Revise -> assertEquals("revise" to count.whole(), kind.text() to found.count, expected.where)
            is Event.Sentence -> {
                assertEquals("sentence" to glosses.texts(), kind.text() to found.glosses, expected.where)
                assertEquals(expected.list()[4].spans(), found.spans, expected.where)
                assertNear(expected.list()[5].numbers(), found.confidences, expected.where)
            }
        }
    }

    internal companion object {
        /** A bundle of the golden streams, around a model that is none. */
        fun mixerBundle(case: JsonField): Bundle {
            val model = "mixer".toByteArray()
            val file = """{"file":"mixer.tflite","sha256":"${sha256(model)}"}"""
            val metadata = case["metadata"].value.canonical()
                .replace("\"streaming\":{", "\"streaming\":{\"files\":{\"fp32\":$file},")
            val files = mutableMapOf(
                "metadata.json" to metadata.toByteArray(),
                "keypoints.json" to case["contract"].value.canonical().toByteArray(),
                "labels.txt" to case["labels"].texts().joinToString("\n", postfix = "\n").toByteArray(),
                "mixer.tflite" to model,
            )
            if (!case["language_model"].isNull()) {
                files["language_model.json"] = case["language_model"].value.canonical().toByteArray()
            }
            return Bundle.read(files).also { if (case["language_model"].isNull()) assertNull(it.languageModel) }
        }
    }
}
