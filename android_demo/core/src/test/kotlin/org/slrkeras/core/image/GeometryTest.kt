package org.slrkeras.core.image

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test

class GeometryTest {
    @Test
    fun `a phone held upright turns both of its cameras upright`() {
        assertEquals(90, uprightRotation(sensor = 90, display = 0, front = false))
        assertEquals(270, uprightRotation(sensor = 270, display = 0, front = true))
    }

    @Test
    fun `landscape needs no turning where the sensor lies in it`() {
        assertEquals(0, uprightRotation(sensor = 90, display = 90, front = false))
        assertEquals(0, uprightRotation(sensor = 270, display = 90, front = true))
        assertEquals(180, uprightRotation(sensor = 90, display = 270, front = false))
    }

    @Test
    fun `a picture lies whole and central in the view`() {
        val placement = Placement(480, 640, 1000, 1000, mirrored = false)
        assertEquals(listOf(125f, 0f, 750f, 1000f), placement.run { listOf(left, top, width, height) })
        assertEquals(500f to 500f, placement.x(0.5f) to placement.y(0.5f))
    }

    @Test
    fun `a mirror changes left and right of what is drawn alone`() {
        val placement = Placement(480, 640, 480, 640, mirrored = true)
        assertEquals(480f to 64f, placement.x(0f) to placement.y(0.1f))
    }

    @Test
    fun `an empty picture or view draws nothing and divides by nothing`() {
        assertEquals(0f, Placement(0, 0, 100, 100, false).width)
        assertEquals(0f, Placement(480, 640, 0, 0, true).x(0.5f))
    }
}
