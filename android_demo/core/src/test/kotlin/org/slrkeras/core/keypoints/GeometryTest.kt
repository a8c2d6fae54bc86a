package org.slrkeras.core.keypoints

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Test
import org.slrkeras.core.image.Picture
import kotlin.math.PI
import kotlin.math.abs

class GeometryTest {
    private fun assertSameRegion(expected: Region, found: Region) {
        val sides = floatArrayOf(expected.x, expected.y, expected.width, expected.height)
        assertArrayEquals(sides, floatArrayOf(found.x, found.y, found.width, found.height), 1e-5f)
        val turned = abs(expected.rotation - found.rotation)
        assertEquals(0f, minOf(turned, abs(turned - 2 * PI.toFloat())), 1e-5f)
    }

    @Test
    fun `squares through two points lie where complex numbers put them`() {
        for (case in golden("regions").list()) {
            val (width, height) = case["size"].wholes()
            val points = case["points"].list().map { it.floats() }
            val (x, y) = points[0]
            val (towardsX, towardsY) = points[1]
            val target = case["target"].number().toFloat()
            val square = Region.aligned(x, y, towardsX, towardsY, target, width, height)
            val scale = case["scale"].number().toFloat()
            val found = square.squared(scale, case["shift"].number().toFloat(), width, height)
            assertSameRegion(case["aligned"].region(), found)
        }
    }

    @Test
    fun `the box around points is the smallest of its rotation`() {
        for (case in golden("regions").list()) {
            val (width, height) = case["size"].wholes()
            val points = case["points"].list().flatMap { it.floats().toList() + listOf(0f, 0f) }
            val turn = case["turn"].number().toFloat()
            val found = boundingRegion(Landmarks(points.toFloatArray()), turn, width, height)
            assertSameRegion(case["bounding"].region(), found)
        }
    }

    @Test
    fun `what is projected from a crop lies where the crop was cut`() {
        val region = Region(0.4f, 0.6f, 0.5f, 0.25f, 0.7f)
        // The middle, and the middle of the right edge.
        val landmarks = Landmarks(floatArrayOf(0.5f, 0.5f, 1f, 1f, 1f, 0.5f, 0f, 0.25f))
        val found = landmarks.projected(region, Crop.Padding(0f, 0f))
        assertEquals(0.4f, found.x(0), 1e-6f)
        assertEquals(0.6f, found.y(0), 1e-6f)
        assertEquals(0.5f, found.z(0), 1e-6f)
        assertEquals(0.4f + 0.25f * kotlin.math.cos(0.7f), found.x(1), 1e-6f)
        assertEquals(0.6f + 0.125f * kotlin.math.sin(0.7f), found.y(1), 1e-6f)
        assertEquals(0.25f, found.score(1))
    }

    @Test
    fun `the bars of a crop are taken out of its points`() {
        val padding = Crop.Padding(0.25f, 0f)
        assertEquals(0f, padding.x(0.25f))
        assertEquals(1f, padding.x(0.75f))
        assertEquals(0.75f, padding.y(0.75f))
        assertEquals(2f, padding.z(1f))
    }

    @Test
    fun `a region without size, or of no number, is not looked at`() {
        assertFalse(Region(0.5f, 0.5f, 0f, 1f, 0f).isUsable)
        assertFalse(Region(0.5f, Float.NaN, 1f, 1f, 0f).isUsable)
        assertFalse(Region(0.5f, 0.5f, 1f, Float.POSITIVE_INFINITY, 0f).isUsable)
    }

    @Test
    fun `a picture without pixels, with too few, or turned askew is refused`() {
        val sizes = listOf(0 to 4, 4 to 0, -1 to 4)
        for ((width, height) in sizes) {
            assertThrows(IllegalArgumentException::class.java) { Picture(width, height) }
            assertThrows(IllegalArgumentException::class.java) { Picture(width, height, IntArray(16)) }
            assertThrows(IllegalArgumentException::class.java) { Picture(4, 4).resize(width, height) }
        }
        assertThrows(IllegalArgumentException::class.java) { Picture(4, 4).fillFromRgb(ByteArray(47)) }
        assertThrows(IllegalArgumentException::class.java) { Picture(4, 4).fillFromRgb(ByteArray(48), stride = 11) }
        assertThrows(IllegalArgumentException::class.java) { Picture(4, 4, IntArray(15)) }
        assertThrows(IllegalArgumentException::class.java) { Picture(4, 4, IntArray(16), rotation = 45) }
        assertThrows(IllegalArgumentException::class.java) { Picture(4, 4).resize(4, 4, rotation = 45) }
    }

    @Test
    fun `rows may be longer than their pixels`() {
        val bytes = ByteArray(2 * 8) { it.toByte() }
        assertEquals(0xFF08090A.toInt(), Picture(2, 2).also { it.fillFromRgb(bytes, stride = 8) }.argb(0, 1))
    }

    private val following = Following(degrees = 40f, shift = 0.2f, growth = 0.4f, margin = -0.1f)
    private val fresh = Region(0.5f, 0.5f, 0.2f, 0.2f, 3f)
    private val inside = Landmarks(floatArrayOf(0.5f, 0.5f, 0f, 1f))

    private fun chosen(last: Region, landmarks: Landmarks = inside) = following.choose(landmarks, last, fresh, 200, 200)

    @Test
    fun `a region of the last picture is kept while it agrees with the body, across the half turn too`() {
        val near = Region(0.52f, 0.48f, 0.25f, 0.25f, -3f)
        assertSame(near, chosen(near))
    }

    @Test
    fun `a region of the last picture is left when it is turned, apart, of another size, or the hand has left`() {
        val lost = listOf(
            Region(0.5f, 0.5f, 0.2f, 0.2f, 2f),
            Region(0.6f, 0.5f, 0.2f, 0.2f, 3f),
            Region(0.5f, 0.4f, 0.2f, 0.2f, 3f),
            Region(0.5f, 0.5f, 0.3f, 0.3f, 3f),
            Region(0.5f, 0.5f, Float.NaN, 0.2f, 3f),
        )
        for (region in lost) assertSame(fresh, chosen(region))
        val good = Region(0.5f, 0.5f, 0.2f, 0.2f, 3f)
        assertSame(fresh, chosen(good, Landmarks(floatArrayOf(0.61f, 0.5f, 0f, 1f))))
        assertSame(fresh, following.choose(null, good, fresh, 200, 200))
    }
}
