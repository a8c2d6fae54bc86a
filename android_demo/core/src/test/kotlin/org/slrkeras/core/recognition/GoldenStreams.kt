package org.slrkeras.core.recognition

import org.slrkeras.core.engine.ElementType
import org.slrkeras.core.engine.Engine
import org.slrkeras.core.engine.TensorSpec
import kotlin.math.sin

/** The generator of `android_demo/tools/golden_streams.py`. */
internal class Noise(private var state: Long) {
    /** From 0 to below 1. */
    fun uniform(): Double {
        state = state * 6364136223846793005L + 1442695040888963407L
        return (state ushr 11) * (1.0 / (1L shl 53))
    }

    /** A whole number from 0 to below [count]. */
    fun below(count: Int) = (uniform() * count).toInt()
}

private val BROKEN = doubleArrayOf(
    Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 0.0, 1e30, -1e30, 3e38,
)
private val FACTORS = doubleArrayOf(1e-30, 1e6, 1e12, 1e30)
private val SCORES = doubleArrayOf(0.9, 0.9, 0.9, 0.9, 0.5, 0.05, 0.0, -1.0, Double.NaN)
private val STEPS = doubleArrayOf(0.0, 0.01, 0.01, 0.2)

/** Frames as no detector should send them, and some as it does: `random_stream` of the same file. */
internal fun randomStream(seed: Long, contract: Contract): Sequence<FloatArray> = sequence {
    val noise = Noise(seed)
    val channels = contract.sourceChannels.size
    val places = DoubleArray(contract.sourceSize) { noise.uniform() }
    for (place in places.indices) places[place] *= contract.imageWidth
    while (true) {
        val size = contract.imageWidth * STEPS[noise.below(STEPS.size)]
        val moves = DoubleArray(places.size) { noise.uniform() - 0.5 }
        for (place in places.indices) places[place] += moves[place] * size
        val frame = places.copyOf()
        if (contract.sourceChannels.last() == "score") {
            val score = SCORES[noise.below(SCORES.size)]
            for (point in contract.sourcePoints.indices) frame[(point + 1) * channels - 1] = score
        }
        spoil(frame, channels, noise)
        yield(FloatArray(frame.size) { frame[it].toFloat() })
    }
}

private fun spoil(frame: DoubleArray, channels: Int, noise: Noise) {
    when (noise.below(10)) {
        0 -> {
            val broken = BROKEN[noise.below(BROKEN.size)]
            val share = noise.uniform()
            for (first in frame.indices step channels) {
                if (noise.uniform() < share) frame.fill(broken, first, first + channels)
            }
        }
        1 -> frame.fill(BROKEN[noise.below(BROKEN.size)])
        2 -> FACTORS[noise.below(FACTORS.size)].let { for (place in frame.indices) frame[place] *= it }
        3, 4 -> for (first in noise.below(3) * channels until frame.size step 3 * channels) {
            frame.fill(Double.NaN, first, first + channels)
        }
    }
}

/** Scores that remember: `Mixer` of the same file, with its state as tensors. */
internal class MixerEngine(about: StreamDescription) : Engine {
    override val inputs = specs(about.inputs)
    override val outputs = specs(about.outputs)
    private val size = about.inputs.getValue("state_mean")[1]
    private val classes = about.outputs.getValue(about.scores)[1]
    private val delay = about.inputs.getValue("state_late")[1]
    private val matrix = Array(size) { row ->
        DoubleArray(classes) { column ->
            if (column == 0) 0.05 else 0.4 * sin(12.9898 * (row + 1) + 78.233 * (column + 1))
        }
    }

    override fun run(values: List<Any>, results: List<Any>) {
        val given = inputs.map { it.name }.zip(values.map { it as FloatArray }).toMap()
        val made = outputs.map { it.name }.zip(results.map { it as FloatArray }).toMap()
        for ((name, array) in given) check(array.all { it.isFinite() }) { "$name is not finite" }
        val frames = given.getValue("keypoints")
        val valid = given.getValue("valid")[0] == 1f
        val mean = made.getValue("state_mean")
        for (place in 0 until size) {
            val now = (frames[place] + frames[size + place] + frames[2 * size + place] + frames[3 * size + place]) / 4f
            val before = given.getValue("state_mean")[place]
            mean[place] = if (valid) 0.8f * before + 0.2f * now else before
        }
        val late = given.getValue("state_late")
        val row = FloatArray(classes) { column ->
            (0 until size).sumOf { late[it].toDouble() * matrix[it][column] }.toFloat()
        }
        logSoftmax(row).forEachIndexed { place, value -> made.getValue("log_probabilities")[place] = value.toFloat() }
        late.copyInto(made.getValue("state_late"), 0, size)
        mean.copyInto(made.getValue("state_late"), (delay - 1) * size)
    }

    override fun close() = Unit

    private fun specs(shapes: Map<String, List<Int>>) =
        shapes.map { (name, shape) -> TensorSpec(name, shape.toIntArray(), ElementType.FLOAT32) }
}
