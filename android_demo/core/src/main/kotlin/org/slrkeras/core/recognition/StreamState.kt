package org.slrkeras.core.recognition

import org.slrkeras.core.engine.ElementType
import org.slrkeras.core.engine.Engine
import org.slrkeras.core.engine.EngineException
import org.slrkeras.core.engine.TensorSpec

/**
 * A streaming model with its state between calls; `TfliteEngine` of `slr_keras/streaming/engine.py`.
 *
 * @throws BundleException if the tensors of the engine differ from the description
 */
internal class StreamState(private val engine: Engine, private val about: StreamDescription) {
    private val inputs = engine.inputs.associate { it.name to FloatArray(it.size) }
    private val outputs = engine.outputs.associate { it.name to FloatArray(it.size) }
    private val states = inputs.keys - setOf(about.keypoints, about.valid)
    private val scores: FloatArray
    private val frames: FloatArray
    private val valid: FloatArray

    // The output state of a call is the input state of the next: the two exchange their arrays.
    private var now: Pair<List<FloatArray>, List<FloatArray>>
    private var next: Pair<List<FloatArray>, List<FloatArray>>

    init {
        require("inputs", engine.inputs, about.inputs)
        require("outputs", engine.outputs, about.outputs)
        scores = outputs.getValue(about.scores)
        frames = inputs.getValue(about.keypoints)
        valid = inputs.getValue(about.valid)
        val read = { name: String, other: Boolean -> (if (other && name in states) outputs else inputs).getValue(name) }
        val write = { name: String, other: Boolean ->
            (if (other && name in states) inputs else outputs).getValue(name)
        }
        now = engine.inputs.map { read(it.name, false) } to engine.outputs.map { write(it.name, false) }
        next = engine.inputs.map { read(it.name, true) } to engine.outputs.map { write(it.name, true) }
    }

    /** Begin a new sentence. */
    fun reset() {
        for (name in states) {
            inputs.getValue(name).fill(0f)
            outputs.getValue(name).fill(0f)
        }
    }

    /**
     * Run the model once.
     *
     * @param given frames of the call, in the model's coordinates; null after the end of the sentence, for the delayed
     *   rows
     * @return log-probabilities of the classes
     * @throws EngineException if the engine fails, or a score is not a number
     */
    fun step(given: List<FloatArray>?): FloatArray {
        valid[0] = if (given == null) 0f else 1f
        if (given == null) frames.fill(0f)
        given?.forEachIndexed { place, frame -> frame.copyInto(frames, place * frame.size) }
        engine.run(now.first, now.second)
        now = next.also { next = now }
        if (scores.any { it.isNaN() || it == Float.POSITIVE_INFINITY }) {
            throw EngineException("the model's scores are not numbers; choose another precision or bundle")
        }
        return scores.copyOf()
    }

    private fun require(what: String, specs: List<TensorSpec>, stated: Map<String, List<Int>>) {
        val shapes = specs.associate { it.name to it.shape.toList() }
        val other = (shapes.keys + stated.keys).firstOrNull { shapes[it] != stated[it] }
        if (other != null) {
            throw BundleException(
                "the model's $what are not those of metadata.json: $other is ${shapes[other]} in the model, " +
                    "${stated[other]} there; copy the bundle again",
            )
        }
        specs.firstOrNull { it.type != ElementType.FLOAT32 }?.let {
            throw BundleException("the model's $what: $it must be FLOAT32")
        }
    }
}
