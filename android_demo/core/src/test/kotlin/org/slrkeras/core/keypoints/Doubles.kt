package org.slrkeras.core.keypoints

import org.slrkeras.core.engine.ElementType
import org.slrkeras.core.engine.Engine
import org.slrkeras.core.engine.EngineFactory
import org.slrkeras.core.engine.TensorSpec
import org.slrkeras.core.image.Picture
import kotlin.random.Random

/** Engines of the models' shapes, whose outputs a test decides; what is under test is all that lies between them. */
internal class Doubles(private val answer: (KeypointModel, List<FloatArray>) -> Unit) : EngineFactory {
    /** How often each model was run. */
    val runs = HashMap<KeypointModel, Int>()
    var open = 0
        private set

    /** Added to the size of every first output: a file of another model. */
    var surplus = 0

    override fun load(name: String, bytes: ByteArray, signature: String?, threads: Int): Engine {
        val model = KeypointModel.values().single { it.fileName == name }
        open++
        return object : Engine {
            override val inputs = listOf(spec(3 * model.side * model.side))
            override val outputs = model.outputs.mapIndexed { index, size ->
                spec(if (index == 0) size + surplus else size)
            }

            override fun run(values: List<Any>, results: List<Any>) {
                runs[model] = (runs[model] ?: 0) + 1
                answer(model, results.map { it as FloatArray })
            }

            override fun close() {
                open--
            }
        }
    }

    private fun spec(size: Int) = TensorSpec("tensor", intArrayOf(1, size), ElementType.FLOAT32)

    fun tracker(options: KeypointOptions = KeypointOptions()) = HolisticTracker(this, EMPTY_FILES, options)

    companion object {
        val EMPTY_FILES = KeypointModel.values().associateWith { ByteArray(0) }
    }
}

/** What models say of someone who stands in the middle of the picture; a test changes it from picture to picture. */
internal class Scene {
    var person = true
    var wrists = 3f
    var hands = true
    var rightness = 0.9f
    var palm = false

    fun answer(model: KeypointModel, outputs: List<FloatArray>) {
        outputs.forEach { it.fill(0f) }
        when (model) {
            KeypointModel.POSE_DETECTION -> detect(outputs, person, 12, floatArrayOf(0f, 0f, 0f, -60f))
            KeypointModel.POSE_LANDMARKS -> body(outputs)
            // A circle of a quarter of the crop.
            KeypointModel.HAND_REGION -> floatArrayOf(128f, 128f, 128f, 192f).copyInto(outputs[0])
            KeypointModel.HAND_LANDMARKS -> {
                for (at in outputs[0].indices) outputs[0][at] = 60f + 5 * (at / 3) * (if (at % 3 == 0) 1 else -1)
                outputs[1][0] = if (hands) 0.9f else 0.1f
                outputs[2][0] = rightness
            }
            KeypointModel.PALM_DETECTION ->
                detect(outputs, palm, 18, FloatArray(14).also { it[5] = -20f })
            KeypointModel.FACE_DETECTION -> detect(outputs, person, 16, floatArrayOf(-9f, 0f, 9f, 0f))
            KeypointModel.FACE_LANDMARKS -> {
                for (at in outputs[0].indices) outputs[0][at] = 96f + 40f * kotlin.math.sin(at.toFloat())
                outputs[1][0] = 3f
            }
        }
    }

    private fun detect(outputs: List<FloatArray>, there: Boolean, stride: Int, points: FloatArray) {
        outputs[1].fill(-9f)
        if (!there) return
        val middle = outputs[1].size / 4
        outputs[1][middle] = 4f
        outputs[0][middle * stride + 2] = 40f
        outputs[0][middle * stride + 3] = 40f
        points.copyInto(outputs[0], middle * stride + 4)
    }

    private fun body(outputs: List<FloatArray>) {
        val (points, present) = outputs
        present[0] = if (person) 0.99f else 0.01f
        for (point in 0 until 39) {
            points[5 * point] = 128f + 3 * (point % 7)
            points[5 * point + 1] = 100f + 2 * point
            points[5 * point + 3] = if (point == 15 || point == 16) wrists else 2f
        }
        // Centre and rim of the circle around the person.
        floatArrayOf(128f, 128f).copyInto(points, 5 * 33)
        floatArrayOf(128f, 40f).copyInto(points, 5 * 34)
        outputs[3].fill(-9f)
    }
}

/** Outputs that no model would give. */
internal class Nonsense(seed: Int) {
    private val random = Random(seed)

    fun answer(outputs: List<FloatArray>) {
        val size = listOf(0.1f, 3f, 100f, 1e6f, Float.MAX_VALUE).random(random)
        val wrong = listOf(0.0, 0.0, 0.001, 0.5).random(random)
        for (output in outputs) {
            // Large maps are filled by repetition: their values matter, not that all differ.
            val period = minOf(output.size, 997)
            for (at in output.indices) {
                output[at] = when {
                    at >= period -> output[at - period]
                    random.nextDouble() < wrong ->
                        listOf(Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY).random(random)
                    else -> (random.nextFloat() * 2 - 0.7f) * size
                }
            }
        }
    }

    fun picture(): Picture {
        val sides = listOf(1, 2, 3, 17, 64, 300)
        val width = sides.random(random)
        val height = sides.random(random)
        val rotation = 90 * random.nextInt(4)
        return if (random.nextBoolean()) {
            Picture(width, height, IntArray(width * height) { random.nextInt() }, rotation)
        } else {
            Picture(width, height, rotation).also { it.fillFromRgb(random.nextBytes(3 * width * height)) }
        }
    }

    fun time(): Double = listOf(0.0, -5.0, 33.0, 1e12, -1e12).random(random) + random.nextInt(100)
}
