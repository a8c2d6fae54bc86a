package org.slrkeras.core.timing

/** A part of the processing of a picture. */
enum class Stage {
    /** Detection of a person in the whole picture; only while no person is tracked. */
    POSE_DETECTION,
    POSE_LANDMARKS,

    /** The one-euro filters of the body's points. */
    SMOOTHING,

    /** From the pose to the regions of the hands. */
    HAND_REGIONS,
    HAND_LANDMARKS,
    FACE,

    /** Search of the whole picture for hands that the pose does not locate. */
    PALMS,

    /** The streaming model. */
    RECOGNITION_MODEL,

    /** From scores to glosses. */
    DECODING,
}

/** Called at the begin and end of each stage. Stages are not nested. The app has no stopwatch. */
interface Stopwatch {
    fun begin(stage: Stage)

    fun end(stage: Stage)
}

/** Do [work] as a stage of the stopwatch, if there is one. */
internal inline fun <T> Stopwatch?.timed(stage: Stage, work: () -> T): T {
    this?.begin(stage)
    try {
        return work()
    } finally {
        this?.end(stage)
    }
}
