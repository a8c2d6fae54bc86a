package org.slrkeras.core.session

/**
 * Frames per second and milliseconds per frame, over the last [size] frames.
 *
 * Not safe for use from several threads at once.
 */
class Meter(private val size: Int = 30) {
    private val times = ArrayDeque<Double>()
    private val durations = ArrayDeque<Double>()

    init {
        require(size >= 2) { "a rate over $size frames" }
    }

    /** Add a frame that was done at [seconds] after [milliseconds] of work; a clock that goes back resets the rate. */
    fun add(seconds: Double, milliseconds: Double) {
        if (times.isNotEmpty() && seconds < times.last()) times.clear()
        times.addLast(seconds)
        durations.addLast(milliseconds)
        if (times.size > size) times.removeFirst()
        if (durations.size > size) durations.removeFirst()
    }

    /** Frames per second; 0 before the second frame. */
    val framesPerSecond: Double
        get() {
            val span = if (times.size < 2) 0.0 else times.last() - times.first()
            return if (span > 0) (times.size - 1) / span else 0.0
        }

    /** Median of the milliseconds per frame; 0 before the first frame. */
    val medianMilliseconds: Double
        get() = if (durations.isEmpty()) 0.0 else durations.sorted()[durations.size / 2]
}
