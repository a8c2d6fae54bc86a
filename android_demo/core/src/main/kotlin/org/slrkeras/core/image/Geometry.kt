package org.slrkeras.core.image

/**
 * Degrees clockwise by which a camera's frame is turned to be upright on the screen.
 *
 * @param sensor orientation of the sensor in the camera's characteristics, in degrees clockwise
 * @param display rotation of the screen from its natural orientation, in degrees counter-clockwise
 * @param front whether the camera faces the user
 */
fun uprightRotation(sensor: Int, display: Int, front: Boolean): Int {
    val turned = if (front) sensor + display else sensor - display
    return ((turned % FULL_TURN) + FULL_TURN) % FULL_TURN
}

/**
 * Position of a picture in a view: fully visible, centred, with its proportions.
 *
 * @param mirrored whether the view shows a mirror image; models always read the picture as it is
 */
class Placement(
    pictureWidth: Int,
    pictureHeight: Int,
    viewWidth: Int,
    viewHeight: Int,
    private val mirrored: Boolean,
) {
    /** View pixels per pixel of the picture; 0 if either is empty. */
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

    /** x in the view of a point of the picture, from 0 (left edge) to 1 (right edge). */
    fun x(fraction: Float): Float = left + width * (if (mirrored) 1 - fraction else fraction)

    /** y in the view of a point of the picture, from 0 (upper edge) to 1 (lower edge). */
    fun y(fraction: Float): Float = top + height * fraction
}

private const val FULL_TURN = 360
