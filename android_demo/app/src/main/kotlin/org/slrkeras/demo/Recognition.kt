package org.slrkeras.demo

import android.content.Context
import android.net.Uri
import android.os.Handler
import android.os.HandlerThread
import android.os.Looper
import org.slrkeras.core.bundlefile.BundleRefused
import org.slrkeras.core.engine.EngineException
import org.slrkeras.core.frames.Frame
import org.slrkeras.core.frames.FrameSource
import org.slrkeras.core.frames.forEachFrame
import org.slrkeras.core.image.Picture
import org.slrkeras.core.pipeline.FrameResult
import org.slrkeras.core.pipeline.RecognitionPipeline
import org.slrkeras.core.session.FrameGate
import org.slrkeras.core.session.Meter
import org.slrkeras.core.session.Session
import java.io.IOException
import kotlin.concurrent.thread

/** The view of recognition; all calls come on the main thread. */
interface Screen {
    /** Show a picture, which is overwritten after the call. */
    fun showPicture(picture: Picture, mirrored: Boolean)
    fun showResult(result: FrameResult, framesPerSecond: Double, milliseconds: Double, dropped: Long)
    fun showSession(session: Session)
    fun showError(error: AppError, detail: String)
    fun showRefusal(refused: BundleRefused)
    fun showNotice(text: Int)
    fun showReady()
    fun showVideo(percent: Int)
    fun videoEnded()
}

/**
 * Runs the recognition pipeline on a thread of its own and keeps the session; outlives the activity when the screen
 * turns.
 *
 * Its functions are called on the main thread.
 */
class Recognition(context: Context, session: Session) {
    private val app = context.applicationContext
    private val models = Models(app)
    private val workerThread = HandlerThread("recognition").apply { start() }
    private val worker = Handler(workerThread.looper)
    private val main = Handler(Looper.getMainLooper())
    private val gate = FrameGate()
    private val previewGate = FrameGate()

    // Of the worker's thread alone.
    private var pipeline: RecognitionPipeline? = null
    private val meter = Meter()

    // Of the main thread alone.
    private var video: VideoSource? = null

    /** The activity's screen, while there is one. */
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

    init {
        load()
    }

    /** Load the models again, after an error or for another bundle. */
    fun load() = work {
        pipeline?.close()
        pipeline = null
        pipeline = models.open()
        main.post { screen?.showReady() }
    }

    /** A new source of frames begins. */
    fun restart() {
        gate.restart()
        previewGate.restart()
        work { pipeline?.let { finish(it) } }
    }

    /**
     * Show and recognise the frames of a live source until it is stopped; frames that come during work are dropped.
     *
     * @param onError called on the main thread if the source fails
     */
    fun watch(source: FrameSource, onError: (AppException) -> Unit) {
        restart()
        thread(name = "frames") {
            try {
                source.forEachFrame(::offer)
            } catch (problem: AppException) {
                main.post { onError(problem) }
            }
        }
    }

    /** Recognise every frame of a video; the camera must be closed. */
    fun transcribe(uri: Uri) {
        if (session.paused) togglePause()
        restart()
        val source = VideoSource(app, uri)
        video = source
        readingVideo = true
        work {
            try {
                val running = pipeline ?: models.open().also { pipeline = it }
                source.forEachFrame { frame ->
                    preview(frame)
                    publish(running.process(frame))
                    val percent = source.percent
                    main.post { screen?.showVideo(percent) }
                }
                finish(running)
                main.post { if (video === source) screen?.showNotice(R.string.video_done) }
            } finally {
                readingVideo = false
                main.post { screen?.videoEnded() }
            }
        }
    }

    /** Stop reading a video, if one is being read. */
    fun cancelVideo() {
        video?.stop()
        video = null
    }

    /** Pause, or resume after a pause. */
    fun togglePause() {
        session = if (session.paused) session.resume() else session.pause()
        paused = session.paused
        // The session keeps the unfinished sentence; the recogniser begins another.
        if (paused) work { pipeline?.finish() }
    }

    /** Forget all sentences. */
    fun clear() {
        session = session.clear()
        work { pipeline?.finish() }
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
            throw AppException(AppError.FILE, problem.message.orEmpty(), problem)
        } catch (problem: SecurityException) {
            throw AppException(AppError.FILE, problem.message.orEmpty(), problem)
        }
        load()
    }

    /** Use the app's own bundle again. */
    fun originalModel() = work {
        models.forget()
        main.post { screen?.showNotice(R.string.model_original) }
        load()
    }

    /** The device is short of memory: free what can be loaded again. */
    fun release() {
        cancelVideo()
        work {
            pipeline?.let { finish(it) }
            pipeline?.close()
            pipeline = null
            throw AppException(AppError.MEMORY)
        }
    }

    /** End for good. */
    fun close() {
        cancelVideo()
        screen = null
        worker.post {
            pipeline?.close()
            pipeline = null
        }
        workerThread.quitSafely()
    }

    /** Show a frame, and recognise it unless the worker is busy; never waits. */
    private fun offer(frame: Frame) {
        preview(frame)
        if (paused || readingVideo || !gate.enter(frame.milliseconds)) return
        frame.retain()
        val posted = worker.post {
            try {
                guarded { pipeline?.let { publish(it.process(frame)) } }
            } finally {
                frame.release()
                gate.leave()
            }
        }
        if (!posted) {
            frame.release()
            gate.leave()
        }
    }

    private fun preview(frame: Frame) {
        if (!previewGate.enter(frame.milliseconds)) return
        frame.retain()
        main.post {
            screen?.showPicture(frame.picture, frame.mirrored)
            frame.release()
            previewGate.leave()
        }
    }

    /** Add a result to the session and to the screen. */
    private fun publish(result: FrameResult) {
        meter.add(System.nanoTime() / NANOSECONDS, result.milliseconds)
        val (rate, median, dropped) = Triple(meter.framesPerSecond, meter.medianMilliseconds, gate.dropped)
        main.post {
            session = result.finished.fold(session) { so, sentence -> so.finished(sentence) }.reading(result.current)
            screen?.showResult(result, rate, median, dropped)
        }
    }

    /** End the recording, whose last sentence goes to the session. */
    private fun finish(running: RecognitionPipeline) {
        val rest = running.finish()
        main.post { session = rest.fold(session) { so, sentence -> so.finished(sentence) }.reading(emptyList()) }
    }

    private fun work(action: () -> Unit) {
        worker.post { guarded(action) }
    }

    private fun guarded(action: () -> Unit) {
        try {
            action()
        } catch (problem: AppException) {
            show(problem.error, problem.detail)
        } catch (problem: EngineException) {
            show(AppError.READING, problem.message.orEmpty())
        } catch (problem: IOException) {
            show(AppError.FILE, problem.message.orEmpty())
        } catch (_: OutOfMemoryError) {
            pipeline?.close()
            pipeline = null
            show(AppError.MEMORY, "")
        }
    }

    private fun show(error: AppError, detail: String) {
        main.post { screen?.showError(error, detail) }
    }

    private companion object {
        const val NANOSECONDS = 1e9
    }
}
