package org.slrkeras.core.pipeline

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.slrkeras.core.engine.ElementType
import org.slrkeras.core.engine.Engine
import org.slrkeras.core.engine.EngineException
import org.slrkeras.core.engine.EngineFactory
import org.slrkeras.core.engine.TensorSpec
import org.slrkeras.core.frames.Frame
import org.slrkeras.core.image.PicturePool
import org.slrkeras.core.image.Plane
import org.slrkeras.core.image.YuvConverter
import org.slrkeras.core.image.YuvFrame
import org.slrkeras.core.keypoints.Doubles
import org.slrkeras.core.keypoints.KeypointModel
import org.slrkeras.core.keypoints.Scene
import org.slrkeras.core.recognition.Bundle
import org.slrkeras.core.recognition.Golden
import java.lang.management.ManagementFactory

class RecognitionPipelineTest {
    private val bundle = Bundle.read(Golden.bundleFiles())
    private val doubles = Doubles(Scene()::answer)
    private val yuv = YuvFrame(WIDTH, HEIGHT, plane(WIDTH, HEIGHT), plane(320, 240), plane(320, 240))
    private var recognisers = 0

    private val engines = EngineFactory { name, bytes, signature, threads ->
        if (KeypointModel.values().any { it.fileName == name }) doubles.load(name, bytes, signature, threads)
        else recogniser()
    }

    /** Has the tensors of the bundle's model, and recognises nothing. */
    private fun recogniser() = object : Engine {
        override val inputs = specs(bundle.stream.inputs)
        override val outputs = specs(bundle.stream.outputs)

        override fun run(values: List<Any>, results: List<Any>) {
            for (result in results) (result as FloatArray).fill(-1f)
        }

        override fun close() {
            recognisers--
        }
    }.also { recognisers++ }

    private fun specs(shapes: Map<String, List<Int>>) =
        shapes.map { (name, shape) -> TensorSpec(name, shape.toIntArray(), ElementType.FLOAT32) }

    private fun plane(columns: Int, rows: Int) = Plane(ByteArray(columns * rows) { (it % 251).toByte() }, columns, 1)

    /** Names of the tracker's points, of which [first] and the following are the model's. */
    private fun layout(first: Int): String {
        val names = List(543) { bundle.contract.points.getOrNull(it - first) ?: "other_$it" }
        return """{"points": [${names.joinToString { "\"$it\"" }}], "channels": ["x", "y", "z", "score"]}"""
    }

    private fun open(models: (String) -> ByteArray? = { ByteArray(0) }, first: Int = 0) =
        RecognitionPipeline.open(bundle, layout(first), models, engines)

    private fun camera(pool: PicturePool): (Double) -> Frame {
        val converter = YuvConverter()
        return { milliseconds ->
            val picture = pool.take()
            converter.convert(yuv, 90, picture)
            Frame(picture, milliseconds, pool = pool)
        }
    }

    @Test
    fun `a frame gives landmarks and times, and its picture is not kept`() {
        val pool = PicturePool()
        val camera = camera(pool)
        open().use { pipeline ->
            repeat(30) {
                val frame = camera(it / 0.03)
                val result = pipeline.process(frame)
                frame.release()
                assertNotNull(result.landmarks.pose)
                assertEquals(HEIGHT to WIDTH, result.landmarks.width to result.landmarks.height)
                assertTrue(result.milliseconds >= result.keypointMilliseconds)
            }
            pipeline.finish()
        }
        assertEquals(1, pool.made)
        assertEquals(0 to 0, doubles.open to recognisers)
    }

    @Test
    fun `the face is tracked for models that read it, and for no others`() {
        assertFalse(Arrangement(bundle.contract, layout(first = 33 - bundle.contract.points.size)).readsFace)
        assertTrue(Arrangement(bundle.contract, layout(first = 34 - bundle.contract.points.size)).readsFace)
        open(first = 33).use { it.process(camera(PicturePool())(0.0)) }
        assertTrue(KeypointModel.FACE_LANDMARKS in doubles.runs)
        doubles.runs.clear()
        open(first = 501).use { it.process(camera(PicturePool())(0.0)) }
        assertFalse(KeypointModel.FACE_LANDMARKS in doubles.runs)
    }

    @Test
    fun `a missing keypoint model is named, and nothing stays open`() {
        val name = KeypointModel.HAND_REGION.fileName
        val error = assertThrows(EngineException::class.java) {
            open({ file -> if (file == name) null else ByteArray(0) })
        }
        assertTrue(name in error.message.orEmpty())
        assertEquals(0 to 0, doubles.open to recognisers)
    }

    @Test
    fun `from the camera's frame to the result no memory of the size of a picture is allocated`() {
        val threads = ManagementFactory.getThreadMXBean() as com.sun.management.ThreadMXBean
        val camera = camera(PicturePool())
        open().use { pipeline ->
            fun run(frames: IntRange) = frames.forEach { number ->
                val frame = camera(40.0 * number)
                pipeline.process(frame)
                frame.release()
            }
            run(0 until WARM_UP)
            val id = Thread.currentThread().id
            val before = threads.getThreadAllocatedBytes(id)
            run(WARM_UP until WARM_UP + FRAMES)
            val each = (threads.getThreadAllocatedBytes(id) - before) / FRAMES
            println("memory: $each bytes allocated per frame of ${WIDTH}x$HEIGHT pixels")
            assertTrue(each < WIDTH * HEIGHT / 4, "$each bytes allocated per frame")
        }
    }

    private companion object {
        const val WIDTH = 640
        const val HEIGHT = 480
        const val WARM_UP = 20
        const val FRAMES = 50
    }
}
