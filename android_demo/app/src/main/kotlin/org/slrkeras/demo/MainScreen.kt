package org.slrkeras.demo

import android.app.Activity
import android.view.View
import android.widget.Button
import android.widget.ScrollView
import android.widget.TextView
import android.widget.Toast
import org.slrkeras.core.bundlefile.BundleRefused
import org.slrkeras.core.session.Gloss
import org.slrkeras.core.session.Reading
import org.slrkeras.core.session.Session
import org.slrkeras.core.session.Skeleton
import kotlin.math.roundToInt

/**
 * Puts what recognition tells into the views.
 *
 * @param onRemedy the button beside a message was pressed
 * @param onPauseChanged the menu's words must change
 * @param onVideoEnded the camera may go on
 */
class MainScreen(
    private val activity: Activity,
    onRemedy: (Trouble) -> Unit,
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
    private var shown: Trouble? = null
    private var lastSession: Session? = null

    /** Whether latency and dropped frames are shown. */
    var showFigures = false
        set(value) {
            field = value
            figures.visibility = if (value) View.VISIBLE else View.GONE
        }

    init {
        remedy.setOnClickListener {
            shown?.let { trouble ->
                clearTrouble(trouble)
                onRemedy(trouble)
            }
        }
    }

    override fun showPicture(pixels: IntArray, width: Int, height: Int, mirrored: Boolean) =
        preview.show(pixels, width, height, mirrored)

    override fun showReading(reading: Reading, framesPerSecond: Double, milliseconds: Double, dropped: Long) {
        preview.show(reading.points, Skeleton.bones)
        if (!showFigures) return
        val stages = activity.getString(R.string.stages, reading.keypointMilliseconds, reading.recognitionMilliseconds)
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

    override fun showTrouble(trouble: Trouble, detail: String) {
        shown = trouble
        showMessage(activity.getString(trouble.text, detail))
        remedy.visibility = if (trouble.remedy == 0) View.GONE else View.VISIBLE
        if (trouble.remedy != 0) remedy.setText(trouble.remedy)
    }

    override fun showRefusal(refused: BundleRefused) {
        shown = null
        showMessage(refused.inWords(activity.resources))
        remedy.visibility = View.GONE
    }

    override fun showNotice(text: Int) = Toast.makeText(activity, text, Toast.LENGTH_LONG).show()

    override fun showReady() {
        for (trouble in MODEL_TROUBLES) clearTrouble(trouble)
    }

    override fun showVideo(percent: Int) {
        change(message, activity.getString(R.string.video_progress, percent / STEP * STEP))
        message.visibility = View.VISIBLE
    }

    override fun videoEnded() {
        if (shown == null) message.visibility = View.GONE
        onVideoEnded()
    }

    /** Take a message away, if it is this one. */
    fun clearTrouble(trouble: Trouble) {
        if (shown != trouble) return
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

    /** TalkBack reads a text whenever it is set: the same one again would be said again. */
    private fun change(view: TextView, words: String) {
        if (view.text.toString() != words) view.text = words
    }

    private fun text(id: Int) = activity.findViewById(id) as TextView

    private companion object {
        const val PERCENT = 100
        const val STEP = 10
        val MODEL_TROUBLES = listOf(
            Trouble.NO_MODEL,
            Trouble.NO_KEYPOINTS,
            Trouble.MODEL_BROKEN,
            Trouble.MEMORY,
            Trouble.READING,
        )
    }
}
