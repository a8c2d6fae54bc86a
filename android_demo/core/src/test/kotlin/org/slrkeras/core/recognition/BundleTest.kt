package org.slrkeras.core.recognition

import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import org.slrkeras.core.engine.ElementType
import org.slrkeras.core.engine.Engine
import org.slrkeras.core.engine.TensorSpec
import java.io.File
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue

class BundleTest {
    @Test
    fun `a folder and a map of its files are the same bundle`(@TempDir folder: File) {
        val bundles = listOf(Bundle.read(Golden.bundleFolder(folder)), Bundle.read(Golden.bundleFiles()))
        for (bundle in bundles) {
            assertEquals("golden", bundle.name)
            assertEquals(listOf("<blank>", "<unk>"), bundle.labels.take(2))
            assertEquals(listOf("fp32"), bundle.precisions)
            assertEquals(listOf(1, 4, 9, 3), bundle.stream.inputs["keypoints"])
            assertEquals(Golden.bytes("bundle/stream_fp32.tflite").toList(), bundle.modelFile().bytes.toList())
        }
    }

    @Test
    fun `a model file that is not the verified one is refused`() {
        val files = Golden.bundleFiles().toMutableMap()
        files["stream_fp32.tflite"] = files.getValue("stream_fp32.tflite") + 0
        refused(files, "stream_fp32.tflite: not the file that was verified") { it.modelFile() }
        files.remove("stream_fp32.tflite")
        refused(files, "stream_fp32.tflite: the bundle has no such file") { it.modelFile() }
        refused(Golden.bundleFiles(), "there is no int4, but fp32") { it.modelFile("int4") }
    }

    @Test
    fun `a name that leads out of the bundle is refused`(@TempDir folder: File) {
        File(folder, "secret").writeText("x")
        val inner = File(folder, "bundle").also { it.mkdir() }
        for (name in listOf("../secret", "/etc/hostname", "..", "a\\\\b", "")) {
            val files = changed("\"stream_fp32.tflite\"", "\"$name\"")
            for ((file, bytes) in files) File(inner, file).writeBytes(bytes)
            val told = assertFailsWith<BundleException> { Bundle.read(inner).modelFile() }
            assertTrue("is not the name of a file here" in told.message!!, told.message)
        }
    }

    @Test
    fun `what does not go together is refused, and the message says where`() {
        refused(changed("slr_keras.tflite", "zip"), "metadata.json: is not a bundle's: its format is zip")
        refused(changed("\"version\": 1,", "\"version\": 2,"), "metadata.json: version: must be a whole")
        refused(changed("\"sentences\"", "\"sign\""), "metadata.json: task: a model that names the one sign")
        refused(changed("\"streaming\"", "\"other\""), "metadata.json: the bundle has no streaming form")
        refused(changed("\"recogniser\"", "\"other\""), "metadata.json: streaming: was written by an earlier version")
        refused(changed("\"delay\": 3", "\"delay\": -3"), "metadata.json: streaming.delay: must be a whole number")
        refused(changed("\"low\": 0.9", "\"low\": \"no\""), "streaming.recogniser.rest.low: must be a number")
        refused(changed("\"method\": \"beam\"", "\"method\": \"single\""), "metadata.json: decoding.method")
        refused(changed("\"max_gap\": 6", "\"max_gap\": 7", "keypoints.json"), "keypoints.json: its digest is")
        refused(changed("\"max_gap\": 6", "\"max_gap\": 6,", "keypoints.json"), "keypoints.json:")
        refused(changed("HOUSE", "HORSE", "labels.txt"), "labels.txt: its digest is")
        refused(Golden.bundleFiles() - "labels.txt", "labels.txt: the bundle has no such file")
        refused(Golden.bundleFiles() + ("labels.txt" to byteArrayOf(-1)), "labels.txt: not UTF-8 text")
        refused(emptyMap(), "metadata.json: the bundle has no such file")
    }

    @Test
    fun `no byte of the metadata that is changed breaks more than the bundle`() {
        val noise = Noise(3)
        val whole = Golden.bundleFiles()
        repeat(2000) {
            val bytes = whole.getValue("metadata.json").copyOf()
            bytes[noise.below(bytes.size)] = noise.below(256).toByte()
            try {
                Bundle.read(whole + ("metadata.json" to bytes)).modelFile()
            } catch (expected: BundleException) {
                assertTrue(expected.message!!.isNotEmpty())
            }
        }
    }

    @Test
    fun `an engine of another model is refused`() {
        val bundle = Bundle.read(Golden.bundleFiles())
        val engine = object : Engine {
            override val inputs = listOf(TensorSpec("keypoints", intArrayOf(1, 4, 8, 3), ElementType.FLOAT32))
            override val outputs = emptyList<TensorSpec>()

            override fun run(values: List<Any>, results: List<Any>) = Unit

            override fun close() = Unit
        }
        val told = assertFailsWith<BundleException> { StreamRecogniser(bundle, { _, _, _, _ -> engine }) }
        assertTrue("the model's inputs are not those of metadata.json: keypoints is [1, 4, 8, 3]" in told.message!!)
    }

    private fun changed(from: String, to: String, file: String = "metadata.json"): Map<String, ByteArray> {
        val text = String(Golden.bytes("bundle/$file"))
        assertTrue(from in text, from)
        return Golden.bundleFiles() + (file to text.replaceFirst(from, to).toByteArray())
    }

    private fun refused(files: Map<String, ByteArray>, message: String, use: (Bundle) -> Unit = {}) {
        val told = assertFailsWith<BundleException> { use(Bundle.read(files)) }
        assertTrue(message in told.message!!, "$message expected: ${told.message}")
    }
}
