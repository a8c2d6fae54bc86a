package org.slrkeras.core.recognition

import org.slrkeras.core.json.JsonException
import org.slrkeras.core.json.JsonField
import org.slrkeras.core.json.parseJson
import java.io.File
import java.nio.ByteBuffer
import java.nio.charset.CharacterCodingException

/** The bundle cannot be used; the message says what is wrong, where, and what to do. */
class BundleException(message: String, cause: Throwable? = null) : RuntimeException(message, cause)

/** A verified model file. */
class ModelFile(val name: String, val bytes: ByteArray)

/**
 * A bundle of `python -m export.tflite --streaming`: contract, glosses, decoding options and a streaming model.
 *
 * @property contract the keypoint contract
 * @property labels gloss of each class
 * @property stream description of the streaming model
 * @property decoding decoding options of the run
 * @property languageModel null if the run decodes without one
 * @property name name of the run
 */
class Bundle private constructor(private val files: (String) -> ByteArray?) {
    private val metadata = json(METADATA)
    val contract: Contract
    val labels: List<String>
    val stream: StreamDescription
    val decoding: DecodingOptions
    val languageModel: LanguageModel?
    val name: String

    init {
        val made = metadata.find("format")?.text()
        if (made != FORMAT) metadata.fail("is not a bundle's: its format is $made, not $FORMAT")
        metadata["version"].whole(VERSION..VERSION)
        name = metadata["run"]["name"].text()
        if (metadata["task"].text() != SENTENCES) {
            metadata["task"].fail("a model that names the one sign of a clip cannot recognise a stream")
        }
        contract = Contract.read(json(CONTRACT))
        requireDigest(CONTRACT, contract.digest, metadata["contract"])
        labels = text(LABELS).removeSuffix("\n").split('\n')
        requireDigest(LABELS, digestOf(labels.joinToString("\n")), metadata["vocabulary"])
        metadata["vocabulary"]["labels"].whole(labels.size..labels.size)
        val about = metadata.find("streaming")
            ?: metadata.fail("the bundle has no streaming form; export the run again with --streaming")
        if (about.find("recogniser") == null) {
            about.fail("was written by an earlier version, which left the recogniser out; export the run again")
        }
        stream = StreamDescription.read(about)
        requireShapes(about)
        decoding = DecodingOptions.read(metadata["decoding"])
        languageModel = languageModel()
    }

    /** Precisions of the model for streams; the first is the default. */
    val precisions: List<String> get() = metadata["streaming"]["files"].members().keys.toList()

    /**
     * The model file of a precision.
     *
     * @throws BundleException if the file is missing, or its SHA-256 differs from that of the export
     */
    fun modelFile(precision: String = precisions.first()): ModelFile = guarded {
        val entry = metadata["streaming"]["files"].find(precision)
            ?: metadata["streaming"]["files"].fail("there is no $precision, but ${precisions.joinToString()}")
        val name = entry["file"].text()
        // metadata.json is untrusted: the name must not lead out of the bundle.
        if (name.isEmpty() || name.any { it in "/\\\u0000" } || name.startsWith(".")) {
            entry["file"].fail("\"$name\" is not the name of a file here")
        }
        val bytes = bytes(name)
        val digest = sha256(bytes)
        if (digest != entry["sha256"].text()) {
            throw BundleException("$name: not the file that was verified (SHA-256 $digest); copy the bundle again")
        }
        ModelFile(name, bytes)
    }

    private fun languageModel(): LanguageModel? {
        val order = decoding.languageModelOrder
        if (order == 0) return null
        val digest = metadata["vocabulary"]["digest"].text()
        val model = LanguageModel.read(json(LANGUAGE_MODEL), digest, labels.size, stream.blank)
        if (model.order != order) {
            throw BundleException("$LANGUAGE_MODEL: its order is ${model.order}, the run decodes with $order")
        }
        return model
    }

    private fun requireShapes(about: JsonField) {
        val frames = listOf(1, stream.frames, contract.points.size, contract.channels.size)
        if (stream.inputs[stream.keypoints] != frames) about["inputs"][stream.keypoints].fail("must be $frames")
        if (stream.inputs[stream.valid] != listOf(1, 1)) about["inputs"][stream.valid].fail("must be [1, 1]")
        val scores = listOf(1, labels.size)
        if (stream.outputs[stream.scores] != scores) about["outputs"][stream.scores].fail("must be $scores")
        if (stream.blank >= labels.size) about["recogniser"]["blank"].fail("is no label")
        if (about["files"].members().isEmpty()) about["files"].fail("there is none")
    }

    private fun requireDigest(file: String, actual: String, stated: JsonField) {
        val expected = stated["digest"].text()
        if (actual != expected) {
            throw BundleException("$file: its digest is $actual, the bundle was made with $expected; copy it again")
        }
    }

    private fun json(file: String) = JsonField(parseJson(text(file), file), file)

    private fun text(file: String): String = try {
        Charsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes(file))).toString()
    } catch (error: CharacterCodingException) {
        throw BundleException("$file: not UTF-8 text", error)
    }

    private fun bytes(file: String): ByteArray =
        files(file) ?: throw BundleException("$file: the bundle has no such file; copy the whole bundle")

    companion object {
        private const val FORMAT = "slr_keras.tflite"
        private const val VERSION = 1
        private const val SENTENCES = "sentences"
        private const val METADATA = "metadata.json"
        private const val CONTRACT = "keypoints.json"
        private const val LABELS = "labels.txt"
        private const val LANGUAGE_MODEL = "language_model.json"

        /**
         * Read a bundle from a folder, without its model files.
         *
         * @throws BundleException if a file is missing or invalid
         */
        fun read(folder: File): Bundle = guarded {
            Bundle { name -> File(folder, name).takeIf(File::isFile)?.readBytes() }
        }

        /**
         * Read a bundle from its files by name.
         *
         * @throws BundleException if a file is missing or invalid
         */
        fun read(files: Map<String, ByteArray>): Bundle = guarded { Bundle { name -> files[name] } }

        private fun <T> guarded(read: () -> T): T = try {
            read()
        } catch (error: JsonException) {
            throw BundleException(error.message.orEmpty(), error)
        }
    }
}
