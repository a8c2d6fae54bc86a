package org.slrkeras.demo

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Paint
import android.graphics.RectF
import android.util.AttributeSet
import android.view.View
import org.slrkeras.core.image.Picture
import org.slrkeras.core.image.Placement
import org.slrkeras.core.session.DrawnPoint

/**
 * Shows upright pictures with the skeleton over them.
 *
 * The view draws the pixels that the models read, in any orientation of the device.
 */
class PreviewView(context: Context, attributes: AttributeSet?) : View(context, attributes) {
    private var bitmap: Bitmap? = null
    private var mirrored = false
    private var points: List<DrawnPoint> = emptyList()
    private var bones: List<Pair<Int, Int>> = emptyList()
    private val place = RectF()
    private val picturePaint = Paint(Paint.FILTER_BITMAP_FLAG)
    private val bonePaint = line(R.color.bone, BONE_WIDTH)
    private val pointPaint = line(R.color.point, POINT_WIDTH)

    /** Show an upright picture, which is copied; [mirrored] as users of a front camera expect it. */
    fun show(picture: Picture, mirrored: Boolean) {
        require(picture.rotation == 0) { "a picture turned by ${picture.rotation} degrees cannot be drawn" }
        val (width, height) = picture.width to picture.height
        val fitting = bitmap?.takeIf { it.width == width && it.height == height }
            ?: Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888)
        fitting.setPixels(picture.pixels, 0, width, 0, 0, width, height)
        bitmap = fitting
        this.mirrored = mirrored
        invalidate()
    }

    /** Replace the skeleton. */
    fun show(points: List<DrawnPoint>, bones: List<Pair<Int, Int>>) {
        this.points = points
        this.bones = bones
        invalidate()
    }

    override fun onDraw(canvas: Canvas) {
        super.onDraw(canvas)
        val drawn = bitmap ?: return
        val placement = Placement(drawn.width, drawn.height, width, height, mirrored)
        place.set(placement.left, placement.top, placement.left + placement.width, placement.top + placement.height)
        canvas.save()
        if (mirrored) canvas.scale(-1f, 1f, place.centerX(), place.centerY())
        canvas.drawBitmap(drawn, null, place, picturePaint)
        canvas.restore()
        drawSkeleton(canvas, placement)
    }

    private fun drawSkeleton(canvas: Canvas, placement: Placement) {
        for ((from, to) in bones) {
            val one = points.getOrNull(from)?.takeIf { it.seen } ?: continue
            val other = points.getOrNull(to)?.takeIf { it.seen } ?: continue
            val (x, y) = placement.x(one.x) to placement.y(one.y)
            canvas.drawLine(x, y, placement.x(other.x), placement.y(other.y), bonePaint)
        }
        for (point in points) {
            if (point.seen) canvas.drawPoint(placement.x(point.x), placement.y(point.y), pointPaint)
        }
    }

    private fun line(color: Int, width: Float) = Paint(Paint.ANTI_ALIAS_FLAG).apply {
        this.color = context.getColor(color)
        strokeWidth = width * resources.displayMetrics.density
        strokeCap = Paint.Cap.ROUND
    }

    private companion object {
        const val BONE_WIDTH = 2f
        const val POINT_WIDTH = 4f
    }
}
