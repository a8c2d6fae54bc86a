package org.slrkeras.demo

import android.app.Activity
import android.view.View
import android.widget.Button
import android.widget.ScrollView
import android.widget.TextView
import android.widget.Toast
import org.slrkeras.core.bundlefile.BundleRefused
import org.slrkeras.core.image.Picture
import org.slrkeras.core.pipeline.FrameResult
import org.slrkeras.core.session.Gloss
import org.slrkeras.core.session.Session
import org.slrkeras.core.session.Skeleton
import kotlin.math.roundToInt

/**
 * Shows results, sentences and messages in the views.
 *
 * @param onRemedy called when the button beside a message is pressed
 * @param onPauseChanged called when the menu must be drawn again
 * @param onVideoEnded called when the camera may be opened again
 */
class MainScreen(
    private val activity: Activity,
    onRemedy: (AppError) -> Unit,
    private val onPauseChanged: () -> Unit,
    private val onVideoEnded: () -> Unit,
) : Screen {
    private val preview: PreviewView = activity.findViewById(R.id.preview) as PreviewView
    private val figures = text(R.id.figures)
    private val message = text(R.id.message)
    private val current = text(R.id.current)
    private val history = text(R.id.history)
    private val scroll = activity.findViewById(R.id.scroll) as ScrollView
    private val remedy = activity.findViewById(R.id.remedy) as Button
    private var shown: AppError? = null
    private var lastSession: Session? = null

    /** Whether latency and dropped frames are shown. */
    var showFigures = false
        set(value) {
            field = value
            figures.visibility = if (value) View.VISIBLE else View.GONE
        }

    init {
        remedy.setOnClickListener {
            shown?.let { error ->
                clearError(error)
                onRemedy(error)
            }
        }
    }

    override fun showPicture(picture: Picture, mirrored: Boolean) = preview.show(picture, mirrored)

    override fun showResult(result: FrameResult, framesPerSecond: Double, milliseconds: Double, dropped: Long) {
        preview.show(Skeleton.points(result.landmarks), Skeleton.bones)
        if (!showFigures) return
        val stages = activity.getString(R.string.stages, result.keypointMilliseconds, result.recognitionMilliseconds)
        figures.text = activity.getString(R.string.figures, framesPerSecond, milliseconds, dropped) + "\n" + stages
    }

    override fun showSession(session: Session) {
        val before = lastSession
        if (session == before) return
        lastSession = session
        change(current, words(session))
        if (session.history != before?.history) {
            history.text = session.history.joinToString("\n")
            scroll.post { scroll.fullScroll(View.FOCUS_DOWN) }
        }
        if (session.paused != before?.paused) onPauseChanged()
    }

    override fun showError(error: AppError, detail: String) {
        shown = error
        showMessage(activity.getString(error.text, detail))
        remedy.visibility = if (error.remedy == 0) View.GONE else View.VISIBLE
        if (error.remedy != 0) remedy.setText(error.remedy)
    }

    override fun showRefusal(refused: BundleRefused) {
        shown = null
        showMessage(refused.inWords(activity.resources))
        remedy.visibility = View.GONE
    }

    override fun showNotice(text: Int) = Toast.makeText(activity, text, Toast.LENGTH_LONG).show()

    override fun showReady() {
        for (error in MODEL_ERRORS) clearError(error)
    }

    override fun showVideo(percent: Int) {
        change(message, activity.getString(R.string.video_progress, percent / STEP * STEP))
        message.visibility = View.VISIBLE
    }

    override fun videoEnded() {
        if (shown == null) message.visibility = View.GONE
        onVideoEnded()
    }

    /** Remove the message of this error, if it is shown. */
    fun clearError(error: AppError) {
        if (shown != error) return
        shown = null
        message.visibility = View.GONE
        remedy.visibility = View.GONE
    }

    private fun showMessage(words: String) {
        message.text = words
        message.visibility = View.VISIBLE
    }

    private fun words(session: Session): String = when {
        session.paused -> activity.getString(R.string.paused)
        session.current.isEmpty() -> activity.getString(R.string.waiting)
        else -> session.current.joinToString("  ", transform = ::words)
    }

    private fun words(gloss: Gloss) =
        activity.getString(R.string.gloss, gloss.name, (gloss.confidence * PERCENT).roundToInt())

    /** Change a text only if it differs: TalkBack reads a text aloud whenever it is set. */
    private fun change(view: TextView, words: String) {
        if (view.text.toString() != words) view.text = words
    }

    private fun text(id: Int) = activity.findViewById(id) as TextView

    private companion object {
        const val PERCENT = 100
        const val STEP = 10
        val MODEL_ERRORS = listOf(
            AppError.NO_MODEL,
            AppError.NO_KEYPOINTS,
            AppError.MODEL_BROKEN,
            AppError.MEMORY,
            AppError.READING,
        )
    }
}
