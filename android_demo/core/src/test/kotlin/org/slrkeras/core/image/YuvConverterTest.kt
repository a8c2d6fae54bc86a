package org.slrkeras.core.image

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import kotlin.math.abs
import kotlin.math.roundToInt
import kotlin.random.Random

class YuvConverterTest {
    private fun frame(
        width: Int,
        height: Int,
        padding: Int = 0,
        pixelStride: Int = 1,
        range: YuvRange = YuvRange.FULL,
        value: (Char, Int, Int) -> Int,
    ): YuvFrame {
        fun plane(name: Char, rows: Int, columns: Int, stride: Int): Plane {
            val rowStride = columns * stride + padding
            val bytes = ByteArray(rows * rowStride) { -1 }
            for (row in 0 until rows) {
                for (column in 0 until columns) {
                    bytes[row * rowStride + column * stride] = value(name, row, column).toByte()
                }
            }
            return Plane(bytes, rowStride, stride)
        }
        val rows = (height + 1) / 2
        val columns = (width + 1) / 2
        return YuvFrame(
            width, height, plane('y', height, width, 1),
            plane('u', rows, columns, pixelStride), plane('v', rows, columns, pixelStride), range,
        )
    }

    private fun converted(frame: YuvFrame, rotation: Int, into: Picture = Picture(1, 1)) =
        into.also { YuvConverter().convert(frame, rotation, it) }

    private fun Picture.pixel(row: Int, column: Int) = listOf(16, 8, 0).map { argb(column, row) shr it and 0xFF }

    @Test
    fun `equals BT 601 in floating point within one step`() {
        val random = Random(5)
        repeat(200) {
            val yuv = mapOf('y' to random.nextInt(256), 'u' to random.nextInt(256), 'v' to random.nextInt(256))
            val found = converted(frame(2, 2) { name, _, _ -> yuv.getValue(name) }, 0).pixel(1, 1)
            val (y, u, v) = Triple(yuv.getValue('y'), yuv.getValue('u') - 128, yuv.getValue('v') - 128)
            val expected = listOf(y + 1.402 * v, y - 0.344136 * u - 0.714136 * v, y + 1.772 * u)
            for ((one, other) in found.zip(expected)) {
                assertTrue(abs(one - other.roundToInt().coerceIn(0, 255)) <= 1) { "$yuv: $found for $expected" }
            }
        }
    }

    @Test
    fun `the limited range of video files reaches black and white`() {
        fun grey(light: Int) = converted(
            frame(2, 2, range = YuvRange.LIMITED) { name, _, _ -> if (name == 'y') light else 128 }, 0,
        ).pixel(0, 0)
        assertEquals(listOf(0, 0, 0), grey(16))
        assertEquals(listOf(255, 255, 255), grey(235))
    }

    @Test
    fun `padding and interleaved chroma are not read as pixels`() {
        val value = { name: Char, row: Int, column: Int -> (name.code * 31 + row * 17 + column * 7) % 256 }
        val plain = converted(frame(7, 5, value = value), 0)
        val padded = converted(frame(7, 5, padding = 9, pixelStride = 2, value = value), 0)
        assertTrue(plain.pixels.contentEquals(padded.pixels))
    }

    @Test
    fun `a rotation turns clockwise`() {
        val grey = { name: Char, row: Int, column: Int -> if (name == 'y') 10 * row + column else 128 }
        fun lights(rotation: Int) = converted(frame(3, 2, value = grey), rotation).let { picture ->
            (0 until picture.height).map { row -> (0 until picture.width).map { picture.pixel(row, it)[0] } }
        }
        assertEquals(listOf(listOf(0, 1, 2), listOf(10, 11, 12)), lights(0))
        assertEquals(listOf(listOf(10, 0), listOf(11, 1), listOf(12, 2)), lights(90))
        assertEquals(listOf(listOf(12, 11, 10), listOf(2, 1, 0)), lights(180))
        assertEquals(listOf(listOf(2, 12), listOf(1, 11), listOf(0, 10)), lights(270))
    }

    @Test
    fun `a large frame becomes small in whole steps`() {
        val picture = converted(frame(1920, 1080) { _, _, _ -> 128 }, 90)
        assertEquals(360 to 640, picture.width to picture.height)
    }

    @Test
    fun `an empty frame and an oblique rotation are refused`() {
        assertThrows(IllegalArgumentException::class.java) { converted(frame(0, 0) { _, _, _ -> 0 }, 0) }
        assertThrows(IllegalArgumentException::class.java) { converted(frame(2, 2) { _, _, _ -> 0 }, 45) }
    }

    @Test
    fun `a picture that is used again takes the pixels of the new frame and keeps its memory`() {
        val picture = converted(frame(6, 4) { _, _, _ -> 255 }, 90)
        val memory = picture.pixels
        val value = { name: Char, row: Int, column: Int -> if (name == 'y') 10 * row + column else 128 }
        val again = converted(frame(3, 2, value = value), 0, picture)
        assertSame(memory, again.pixels)
        assertEquals(3 to 2, again.width to again.height)
        val expected = converted(frame(3, 2, value = value), 0).pixels
        assertArrayEquals(expected, again.pixels.copyOf(6))
    }

    @Test
    fun `the screen gets opaque pixels`() {
        val picture = converted(frame(2, 2) { name, _, _ -> if (name == 'y') 3 else 128 }, 0)
        assertEquals(0xFF030303.toInt(), picture.pixels[3])
    }
}
