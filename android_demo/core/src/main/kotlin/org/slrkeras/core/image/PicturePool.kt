package org.slrkeras.core.image

/**
 * Pictures that are used again, so that a steady stream of frames allocates no memory for pixels.
 *
 * The pool makes a picture only when all others are in use. Safe for use from several threads.
 */
class PicturePool {
    private val free = ArrayDeque<Picture>()

    /** Pictures made so far, in use or free. */
    @get:Synchronized
    var made = 0
        private set

    /** A picture that nobody else uses, of any size, with undefined pixels; [giveBack] ends its use. */
    @Synchronized
    fun take(): Picture = free.removeLastOrNull() ?: Picture(1, 1).also { made++ }

    /**
     * The picture is no longer in use.
     *
     * @throws IllegalStateException if it was given back before
     */
    @Synchronized
    fun giveBack(picture: Picture) {
        check(free.none { it === picture }) { "a picture was given back twice" }
        free.addLast(picture)
    }
}
