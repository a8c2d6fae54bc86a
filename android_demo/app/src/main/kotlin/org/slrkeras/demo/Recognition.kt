package org.slrkeras.demo

import android.content.Context
import android.net.Uri
import android.os.Handler
import android.os.HandlerThread
import android.os.Looper
import org.slrkeras.core.bundlefile.BundleRefused
import org.slrkeras.core.engine.EngineException
import org.slrkeras.core.image.RgbImage
import org.slrkeras.core.keypoints.PackedImage
import org.slrkeras.core.session.FrameGate
import org.slrkeras.core.session.Meter
import org.slrkeras.core.session.Reading
import org.slrkeras.core.session.Session
import org.slrkeras.core.session.SessionReader
import java.io.IOException

/** What recognition shows; all calls come on the main thread. */
interface Screen {
    fun showPicture(pixels: IntArray, width: Int, height: Int, mirrored: Boolean)
    fun showReading(reading: Reading, framesPerSecond: Double, milliseconds: Double, dropped: Long)
    fun showSession(session: Session)
    fun showTrouble(trouble: Trouble, detail: String)
    fun showRefusal(refused: BundleRefused)
    fun showNotice(text: Int)
    fun showReady()
    fun showVideo(percent: Int)
    fun videoEnded()
}

/**
 * Reads pictures on a thread of its own and keeps the session; outlives the activity when the screen turns.
 *
 * Its functions are called on the main thread, but for [offer].
 */
class Recognition(context: Context, session: Session) {
    private val app = context.applicationContext
    private val models = Models(app)
    private val thread = HandlerThread("reader").apply { start() }
    private val worker = Handler(thread.looper)
    private val main = Handler(Looper.getMainLooper())
    private val gate = FrameGate()
    private val previewGate = FrameGate()
    private var workPixels = IntArray(0)
    private var previewPixels = IntArray(0)

    // Of the worker's thread alone.
    private var reader: SessionReader? = null
    private val meter = Meter()

    /** The activity, while there is one. */
    var screen: Screen? = null

    /** Sentences so far. */
    var session = session
        private set(value) {
            field = value
            screen?.showSession(value)
        }

    /** Whether a video is being read. */
    @Volatile
    var readingVideo = false
        private set

    @Volatile
    private var paused = session.paused

    @Volatile
    private var cancelled = false

    init {
        load()
    }

    /** Load the models again, after a trouble or for another bundle. */
    fun load() = work {
        reader?.close()
        reader = null
        reader = models.open()
        main.post { screen?.showReady() }
    }

    /** A new source of pictures begins. */
    fun restart() {
        gate.restart()
        previewGate.restart()
        work { reader?.let { finish(it) } }
    }

    /** A picture of the camera; called on the camera's thread, never waits. */
    fun offer(picture: RgbImage, seconds: Double, front: Boolean) {
        preview(picture, seconds, mirrored = front)
        if (paused || readingVideo || !gate.enter(seconds)) return
        if (workPixels.size != picture.width * picture.height) workPixels = IntArray(picture.width * picture.height)
        picture.toArgb(workPixels)
        val image = PackedImage(picture.width, picture.height, workPixels)
        val milliseconds = (seconds * MILLISECONDS).toLong()
        val posted = worker.post {
            try {
                guarded { reader?.let { tell(it.read(image, milliseconds)) } }
            } finally {
                gate.leave()
            }
        }
        if (!posted) gate.leave()
    }

    /** Read a whole video; the camera must be closed. */
    fun transcribe(uri: Uri) {
        if (session.paused) togglePause()
        readingVideo = true
        cancelled = false
        work {
            try {
                val into = reader ?: models.open().also { reader = it }
                VideoSource(app, uri).read({ cancelled }) { picture, milliseconds, percent ->
                    show(into, picture, milliseconds, percent)
                }
                finish(into)
                if (!cancelled) main.post { screen?.showNotice(R.string.video_done) }
            } finally {
                readingVideo = false
                main.post { screen?.videoEnded() }
            }
        }
    }

    /** Stop reading a video, if one is being read. */
    fun cancelVideo() {
        cancelled = true
    }

    /** Stop or go on. */
    fun togglePause() {
        session = if (session.paused) session.resume() else session.pause()
        paused = session.paused
        // The session has taken what was under way; the recogniser begins anew.
        if (paused) work { reader?.finish() }
    }

    /** Forget all sentences. */
    fun clear() {
        session = session.clear()
        work { reader?.finish() }
    }

    /** Use the bundle of a file that the user chose. */
    fun replaceModel(uri: Uri) = work {
        try {
            val stream = app.contentResolver.openInputStream(uri) ?: throw IOException("$uri")
            stream.use { models.replace(it) }
            main.post { screen?.showNotice(R.string.model_taken) }
        } catch (refused: BundleRefused) {
            main.post { screen?.showRefusal(refused) }
            return@work
        } catch (problem: IOException) {
            throw TroubleException(Trouble.FILE, problem.message.orEmpty(), problem)
        } catch (problem: SecurityException) {
            throw TroubleException(Trouble.FILE, problem.message.orEmpty(), problem)
        }
        load()
    }

    /** Use the app's own bundle again. */
    fun originalModel() = work {
        models.forget()
        main.post { screen?.showNotice(R.string.model_original) }
        load()
    }

    /** The device is short of memory: give back what can be loaded again. */
    fun release() {
        cancelVideo()
        work {
            reader?.let { finish(it) }
            reader?.close()
            reader = null
            throw TroubleException(Trouble.MEMORY)
        }
    }

    /** End for good. */
    fun close() {
        cancelVideo()
        screen = null
        worker.post {
            reader?.close()
            reader = null
        }
        thread.quitSafely()
    }

    private fun preview(picture: RgbImage, seconds: Double, mirrored: Boolean) {
        if (!previewGate.enter(seconds)) return
        val size = picture.width * picture.height
        if (previewPixels.size != size) previewPixels = IntArray(size)
        picture.toArgb(previewPixels)
        val (width, height) = picture.width to picture.height
        main.post {
            screen?.showPicture(previewPixels, width, height, mirrored)
            previewGate.leave()
        }
    }

    private fun show(into: SessionReader, picture: RgbImage, milliseconds: Long, percent: Int) {
        val pixels = IntArray(picture.width * picture.height)
        picture.toArgb(pixels)
        preview(picture, milliseconds / MILLISECONDS, mirrored = false)
        tell(into.read(PackedImage(picture.width, picture.height, pixels), milliseconds))
        main.post { screen?.showVideo(percent) }
    }

    private fun tell(reading: Reading) {
        meter.add(System.nanoTime() / NANOSECONDS, reading.milliseconds)
        val (rate, median, dropped) = Triple(meter.framesPerSecond, meter.medianMilliseconds, gate.dropped)
        main.post {
            session = reading.finished.fold(session) { so, sentence -> so.finished(sentence) }.reading(reading.current)
            screen?.showReading(reading, rate, median, dropped)
        }
    }

    private fun finish(of: SessionReader) {
        val rest = of.finish()
        main.post { session = rest.fold(session) { so, sentence -> so.finished(sentence) }.reading(emptyList()) }
    }

    private fun work(action: () -> Unit) {
        worker.post { guarded(action) }
    }

    private fun guarded(action: () -> Unit) {
        try {
            action()
        } catch (problem: TroubleException) {
            trouble(problem.trouble, problem.detail)
        } catch (problem: EngineException) {
            trouble(Trouble.READING, problem.message.orEmpty())
        } catch (problem: IOException) {
            trouble(Trouble.FILE, problem.message.orEmpty())
        } catch (_: OutOfMemoryError) {
            reader?.close()
            reader = null
            trouble(Trouble.MEMORY, "")
        }
    }

    private fun trouble(trouble: Trouble, detail: String) {
        main.post { screen?.showTrouble(trouble, detail) }
    }

    private companion object {
        const val MILLISECONDS = 1000.0
        const val NANOSECONDS = 1e9
    }
}
