package org.slrkeras.demo

import android.content.res.Resources
import org.slrkeras.core.bundlefile.BundleRefused
import org.slrkeras.core.bundlefile.Refusal

/** An error as the user reads it: the resource of its [text], and of the caption of a button that may help, or 0. */
enum class AppError(val text: Int, val remedy: Int = 0) {
    PERMISSION(R.string.error_permission, R.string.allow),
    NO_CAMERA(R.string.error_no_camera),
    CAMERA_IN_USE(R.string.error_camera_in_use, R.string.retry),
    CAMERA_DISABLED(R.string.error_camera_disabled, R.string.retry),
    CAMERA_FAILED(R.string.error_camera_failed, R.string.retry),
    NO_MODEL(R.string.error_no_model),
    NO_KEYPOINTS(R.string.error_no_keypoints),
    MODEL_BROKEN(R.string.error_model_broken, R.string.retry),
    MEMORY(R.string.error_memory, R.string.retry),
    READING(R.string.error_reading, R.string.retry),
    VIDEO(R.string.error_video),
    FILE(R.string.error_file),
}

/** An [error] that ends what the app was doing; [detail] completes its text. */
class AppException(val error: AppError, val detail: String = "", cause: Throwable? = null) :
    RuntimeException("$error $detail", cause)

/** Why the user's model file was refused, in the user's language. */
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
