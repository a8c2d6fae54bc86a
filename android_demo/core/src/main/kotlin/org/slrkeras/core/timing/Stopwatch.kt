package org.slrkeras.core.timing

/** A part of reading a picture. */
enum class Stage {
    /** Looking for a person in all of the picture: only where none is followed. */
    POSE_DETECTION,
    POSE_LANDMARKS,

    /** The one-euro filters of the body's points. */
    SMOOTHING,

    /** From the body's points to where the hands are. */
    HAND_REGIONS,
    HAND_LANDMARKS,
    FACE,

    /** Looking in all of the picture for hands that the body does not lead to. */
    PALMS,

    /** The streaming model. */
    RECOGNITION_MODEL,

    /** From scores to glosses. */
    DECODING,
}

/** Is told when a stage begins and ends. Stages do not lie in one another. A phone has no stopwatch. */
interface Stopwatch {
    fun begin(stage: Stage)

    fun end(stage: Stage)
}

/** Do [work]; the stopwatch, where there is one, is told. */
internal inline fun <T> Stopwatch?.timed(stage: Stage, work: () -> T): T {
    this?.begin(stage)
    try {
        return work()
    } finally {
        this?.end(stage)
    }
}
