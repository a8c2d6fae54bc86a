package org.slrkeras.core.frames

import org.slrkeras.core.image.Picture
import org.slrkeras.core.image.PicturePool
import java.util.concurrent.atomic.AtomicInteger

/**
 * One picture of a [FrameSource], with its time.
 *
 * The source overwrites pictures that are no longer in use. A frame begins with one user, who calls [release] when
 * done; every further user, on any thread, is announced by [retain] and calls [release] too.
 *
 * @property picture pixels and the rotation that makes them upright
 * @property milliseconds time of the picture, by any clock that only goes forward
 * @property mirrored whether users expect to see the picture as in a mirror; models always read it as it is
 * @param pool takes the picture after the last [release]
 */
class Frame(
    val picture: Picture,
    val milliseconds: Double,
    val mirrored: Boolean = false,
    private val pool: PicturePool,
) {
    private val users = AtomicInteger(1)

    /**
     * Announce one more user; the caller must be a user already.
     *
     * @throws IllegalStateException if the last user is done
     */
    fun retain() {
        check(users.getAndIncrement() > 0) { "a frame was retained after its last release" }
    }

    /**
     * End one use.
     *
     * @throws IllegalStateException if there was no use left
     */
    fun release() {
        val left = users.decrementAndGet()
        check(left >= 0) { "a frame was released more often than retained" }
        if (left == 0) pool.giveBack(picture)
    }
}
