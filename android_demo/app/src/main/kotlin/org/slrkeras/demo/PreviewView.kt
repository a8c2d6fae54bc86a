package org.slrkeras.demo

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Paint
import android.graphics.RectF
import android.util.AttributeSet
import android.view.View
import org.slrkeras.core.image.Placement
import org.slrkeras.core.session.DrawnPoint

/**
 * Shows upright pictures with the skeleton over them.
 *
 * The very pixels that the models read are drawn, so that what is seen here is what they saw, in any orientation.
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

    /** Show a picture of ARGB [pixels], [mirrored] as users of a front camera expect. */
    fun show(pixels: IntArray, width: Int, height: Int, mirrored: Boolean) {
        if (width == 0 || height == 0) return
        val fitting = bitmap?.takeIf { it.width == width && it.height == height }
            ?: Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888)
        fitting.setPixels(pixels, 0, width, 0, 0, width, height)
        bitmap = fitting
        this.mirrored = mirrored
        invalidate()
    }

    /** Draw this skeleton from now on. */
    fun show(points: List<DrawnPoint>, bones: List<Pair<Int, Int>>) {
        this.points = points
        this.bones = bones
        invalidate()
    }

    override fun onDraw(canvas: Canvas) {
        super.onDraw(canvas)
        val picture = bitmap ?: return
        val placement = Placement(picture.width, picture.height, width, height, mirrored)
        place.set(placement.left, placement.top, placement.left + placement.width, placement.top + placement.height)
        canvas.save()
        if (mirrored) canvas.scale(-1f, 1f, place.centerX(), place.centerY())
        canvas.drawBitmap(picture, null, place, picturePaint)
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
