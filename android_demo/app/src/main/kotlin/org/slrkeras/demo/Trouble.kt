package org.slrkeras.demo

import android.content.res.Resources
import org.slrkeras.core.bundlefile.BundleRefused
import org.slrkeras.core.bundlefile.Refusal

/** What can go wrong, in the user's words; [remedy] is the caption of a button that may help, or 0. */
enum class Trouble(val text: Int, val remedy: Int = 0) {
    PERMISSION(R.string.trouble_permission, R.string.allow),
    NO_CAMERA(R.string.trouble_no_camera),
    CAMERA_IN_USE(R.string.trouble_camera_in_use, R.string.retry),
    CAMERA_DISABLED(R.string.trouble_camera_disabled, R.string.retry),
    CAMERA_FAILED(R.string.trouble_camera_failed, R.string.retry),
    NO_MODEL(R.string.trouble_no_model),
    NO_KEYPOINTS(R.string.trouble_no_keypoints),
    MODEL_BROKEN(R.string.trouble_model_broken, R.string.retry),
    MEMORY(R.string.trouble_memory, R.string.retry),
    READING(R.string.trouble_reading, R.string.retry),
    VIDEO(R.string.trouble_video),
    FILE(R.string.trouble_file),
}

/** A [trouble] that ends what the app was about. */
class TroubleException(val trouble: Trouble, val detail: String = "", cause: Throwable? = null) :
    Exception("$trouble $detail", cause)

/** Why the user's model file was not taken. */
fun BundleRefused.inWords(resources: Resources): String {
    val text = when (refusal) {
        Refusal.NOT_AN_ARCHIVE -> R.string.refused_archive
        Refusal.UNSAFE_NAME -> R.string.refused_name
        Refusal.TOO_LARGE -> R.string.refused_size
        Refusal.INCOMPLETE -> R.string.refused_incomplete
        Refusal.CHANGED -> R.string.refused_changed
        Refusal.UNFIT -> R.string.refused_unfit
    }
    return resources.getString(text, what)
}
