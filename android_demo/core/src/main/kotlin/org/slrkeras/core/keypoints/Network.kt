package org.slrkeras.core.keypoints

import org.slrkeras.core.engine.ElementType
import org.slrkeras.core.engine.Engine
import org.slrkeras.core.engine.EngineException
import org.slrkeras.core.engine.EngineFactory

/**
 * The keypoint models: files of MediaPipe 0.10.21.
 *
 * @property fileName name of the file in MediaPipe's package
 */
enum class KeypointModel(val fileName: String, internal val side: Int, internal vararg val outputs: Int) {
    POSE_DETECTION("pose_detection.tflite", 224, 2254 * 12, 2254),
    POSE_LANDMARKS("pose_landmark_full.tflite", 256, 195, 1, 256 * 256, 64 * 64 * 39, 117),
    HAND_REGION("hand_recrop.tflite", 256, 4),
    HAND_LANDMARKS("hand_landmark_full.tflite", 224, 63, 1, 1, 63),
    PALM_DETECTION("palm_detection_full.tflite", 192, 2016 * 18, 2016),
    FACE_DETECTION("face_detection_short_range.tflite", 128, 896 * 16, 896),
    FACE_LANDMARKS("face_landmark.tflite", 192, 1404, 1),
}

/** A loaded model with its input and output arrays. */
internal class Network(private val engine: Engine, private val model: KeypointModel) : AutoCloseable {
    val side get() = model.side

    /** side x side x 3. */
    val input = FloatArray(3 * model.side * model.side)

    /** One array per output, in the order of the file. */
    val outputs: List<FloatArray> = model.outputs.map { FloatArray(it) }

    init {
        val expected = listOf(input.size) to model.outputs.toList()
        val actual = engine.inputs.map { it.size } to engine.outputs.map { it.size }
        val floats = (engine.inputs + engine.outputs).all { it.type == ElementType.FLOAT32 }
        if (actual != expected || !floats) {
            throw EngineException(
                "${model.fileName}: inputs ${engine.inputs} and outputs ${engine.outputs}, where sizes " +
                    "${expected.first} and ${expected.second} are needed; take the file from MediaPipe 0.10.21",
            )
        }
    }

    fun run() = engine.run(listOf(input), outputs)

    override fun close() = engine.close()
}

/** Loads models, and closes all of them together. */
internal class Networks(
    private val factory: EngineFactory,
    private val models: Map<KeypointModel, ByteArray>,
    private val threads: Int,
) : AutoCloseable {
    private val loaded = ArrayList<Network>()

    fun load(model: KeypointModel): Network {
        val bytes = models[model] ?: throw EngineException("${model.fileName} is missing")
        val engine = factory.load(model.fileName, bytes, null, threads)
        try {
            return Network(engine, model).also { loaded += it }
        } catch (error: EngineException) {
            engine.close()
            throw error
        }
    }

    override fun close() {
        loaded.forEach { it.close() }
        loaded.clear()
    }
}
