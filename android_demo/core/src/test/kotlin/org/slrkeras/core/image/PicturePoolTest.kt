package org.slrkeras.core.image

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotSame
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Test

class PicturePoolTest {
    @Test
    fun `a picture that was given back is used again with its memory`() {
        val pool = PicturePool()
        val first = pool.take().also { it.resize(64, 48) }
        val memory = first.pixels
        pool.giveBack(first)
        repeat(5) {
            val picture = pool.take()
            picture.resize(48, 64)
            assertSame(memory, picture.pixels)
            pool.giveBack(picture)
        }
        assertEquals(1, pool.made)
    }

    @Test
    fun `a picture in use is not given to another user`() {
        val pool = PicturePool()
        assertNotSame(pool.take(), pool.take())
        assertEquals(2, pool.made)
    }

    @Test
    fun `a picture that is given back twice is an error`() {
        val pool = PicturePool()
        val picture = pool.take()
        pool.giveBack(picture)
        assertThrows(IllegalStateException::class.java) { pool.giveBack(picture) }
    }
}
