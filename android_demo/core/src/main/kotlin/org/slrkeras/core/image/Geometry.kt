package org.slrkeras.core.image

/**
 * Degrees clockwise by which a camera's frame is turned to stand upright on the screen.
 *
 * @param sensor how the sensor is mounted, degrees clockwise, as the camera's characteristics say
 * @param display by how much the screen is turned from its natural orientation, degrees counter-clockwise
 * @param front whether the camera looks at the user
 */
fun uprightRotation(sensor: Int, display: Int, front: Boolean): Int {
    val turned = if (front) sensor + display else sensor - display
    return ((turned % FULL_TURN) + FULL_TURN) % FULL_TURN
}

/**
 * Where a picture lies in a view: all of it visible, in the middle, with its proportions.
 *
 * @param mirrored whether it is shown as in a mirror; this changes what is drawn, never what a model reads
 */
class Placement(
    pictureWidth: Int,
    pictureHeight: Int,
    viewWidth: Int,
    viewHeight: Int,
    private val mirrored: Boolean,
) {
    /** View pixels for one pixel of the picture; 0 if either is empty. */
    val scale: Float =
        if (pictureWidth <= 0 || pictureHeight <= 0) 0f
        else minOf(viewWidth.toFloat() / pictureWidth, viewHeight.toFloat() / pictureHeight).coerceAtLeast(0f)

    /** Width of the picture in the view. */
    val width: Float = pictureWidth * scale

    /** Height of the picture in the view. */
    val height: Float = pictureHeight * scale

    /** Left edge of the picture in the view. */
    val left: Float = (viewWidth - width) / 2

    /** Upper edge of the picture in the view. */
    val top: Float = (viewHeight - height) / 2

    /** Horizontal place in the view of a point, given from 0 (left edge of the picture) to 1. */
    fun x(share: Float): Float = left + width * (if (mirrored) 1 - share else share)

    /** Vertical place in the view of a point, given from 0 (upper edge of the picture) to 1. */
    fun y(share: Float): Float = top + height * share
}

private const val FULL_TURN = 360
