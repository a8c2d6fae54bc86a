package org.slrkeras.demo

import android.content.Context
import org.slrkeras.core.bundlefile.BundleArchive
import org.slrkeras.core.bundlefile.BundleRefused
import org.slrkeras.core.bundlefile.BundleStore
import org.slrkeras.core.bundlefile.Refusal
import org.slrkeras.core.bundlefile.checkBundle
import org.slrkeras.core.engine.EngineException
import org.slrkeras.core.keypoints.KeypointOptions
import org.slrkeras.core.pipeline.RecognitionPipeline
import org.slrkeras.core.recognition.Bundle
import org.slrkeras.core.recognition.BundleException
import org.slrkeras.core.recognition.StreamRecogniser
import java.io.File
import java.io.IOException
import java.io.InputStream

/** Finds the app's models: those in the APK, and the bundle that the user chose instead. */
class Models(context: Context) {
    private val assets = context.assets
    private val store = BundleStore(File(context.filesDir, "bundle"), BundleArchive(), ::check)
    private val threads = Runtime.getRuntime().availableProcessors().coerceIn(1, MAXIMUM_THREADS)

    /**
     * Load all models.
     *
     * @throws AppException if a model is missing or broken
     */
    fun open(): RecognitionPipeline {
        val layout = asset("$KEYPOINTS/$LAYOUT")?.toString(Charsets.UTF_8)
        if (layout == null || keypointModels().isEmpty()) throw AppException(AppError.NO_KEYPOINTS)
        try {
            val bundle = bundle() ?: throw AppException(AppError.NO_MODEL)
            val options = KeypointOptions(threads = threads)
            return RecognitionPipeline.open(bundle, layout, { asset("$KEYPOINTS/$it") }, TfliteEngines, options)
        } catch (problem: BundleException) {
            throw AppException(AppError.MODEL_BROKEN, problem.message.orEmpty(), problem)
        } catch (problem: EngineException) {
            throw AppException(AppError.MODEL_BROKEN, problem.message.orEmpty(), problem)
        } catch (problem: IOException) {
            throw AppException(AppError.MODEL_BROKEN, problem.message.orEmpty(), problem)
        }
    }

    /**
     * Use the bundle of a zip file from now on.
     *
     * @throws BundleRefused if it is not a valid bundle; the previous one stays in use
     * @throws IOException if the file cannot be read
     */
    fun replace(file: InputStream) = store.replace(file)

    /** Use the bundle of the APK again. */
    fun forget() = store.forget()

    private fun bundle(): Bundle? {
        store.current()?.let { return Bundle.read(it) }
        val names = assets.list(BUNDLE).orEmpty()
        if (names.isEmpty()) return null
        return Bundle.read(names.associateWith { assets.open("$BUNDLE/$it").use { file -> file.readBytes() } })
    }

    private fun keypointModels() = assets.list(KEYPOINTS).orEmpty().filter { it.endsWith(".tflite") }

    private fun asset(path: String): ByteArray? = try {
        assets.open(path).use { it.readBytes() }
    } catch (_: IOException) {
        null
    }

    /** Checks a bundle and loads its model once: a file that this device refuses never replaces a working one. */
    private fun check(folder: File) {
        val layout = asset("$KEYPOINTS/$LAYOUT")?.toString(Charsets.UTF_8)
            ?: throw BundleRefused(Refusal.UNFIT, LAYOUT)
        val bundle = checkBundle(folder, layout)
        try {
            StreamRecogniser(bundle, TfliteEngines).close()
        } catch (problem: BundleException) {
            throw BundleRefused(Refusal.UNFIT, problem.message.orEmpty(), problem)
        } catch (problem: EngineException) {
            throw BundleRefused(Refusal.UNFIT, problem.message.orEmpty(), problem)
        }
    }

    private companion object {
        const val BUNDLE = "bundle"
        const val KEYPOINTS = "keypoints"
        const val LAYOUT = "mediapipe_holistic_543.json"
        const val MAXIMUM_THREADS = 4
    }
}
