package org.slrkeras.core.keypoints

import org.slrkeras.core.engine.EngineFactory
import org.slrkeras.core.image.Picture
import org.slrkeras.core.timing.Stage
import org.slrkeras.core.timing.Stopwatch
import org.slrkeras.core.timing.timed

/**
 * Options of [HolisticTracker]. The defaults are those of MediaPipe Holistic, without the face.
 *
 * @property detection minimum confidence, 0 to 1, of the detection of a person
 * @property tracking minimum confidence, 0 to 1, that a tracked person is still there
 * @property still whether each picture is treated on its own, without tracking and smoothing
 * @property smooth whether the tracked points of the body are smoothed
 * @property face whether the 468 points of the face are tracked: two more models per picture
 * @property palms whether a hand that the pose does not locate is searched in the whole picture: one more model per
 *   picture in which a hand is missing; MediaPipe Holistic does not do this
 * @property threads number of threads that a model may use
 */
class KeypointOptions(
    val detection: Float = 0.5f,
    val tracking: Float = 0.5f,
    val still: Boolean = false,
    val smooth: Boolean = true,
    val face: Boolean = false,
    val palms: Boolean = false,
    val threads: Int = 1,
) {
    init {
        for ((name, value) in listOf("detection" to detection, "tracking" to tracking)) {
            require(value in 0f..1f) { "$name $value: give a confidence of 0 to 1" }
        }
        require(threads > 0) { "$threads threads: at least one computes" }
    }

    /** The same options, with the face tracked or not. */
    internal fun withFace(face: Boolean) =
        KeypointOptions(detection, tracking, still, smooth, face, palms, threads)

    /** Models that the options need. */
    val models: List<KeypointModel>
        get() = KeypointModel.values().filter { model ->
            when (model) {
                KeypointModel.FACE_DETECTION, KeypointModel.FACE_LANDMARKS -> face
                KeypointModel.PALM_DETECTION -> palms
                else -> true
            }
        }
}

/**
 * Tracks body, hands and face of one person from picture to picture, as MediaPipe Holistic does.
 *
 * Not safe for use from several threads at once.
 *
 * @param models contents of the files of [KeypointOptions.models]
 * @param stopwatch measures the stages
 * @throws org.slrkeras.core.engine.EngineException if a model is missing, cannot be loaded, or has other tensors
 */
class HolisticTracker(
    factory: EngineFactory,
    models: Map<KeypointModel, ByteArray>,
    private val options: KeypointOptions = KeypointOptions(),
    private val stopwatch: Stopwatch? = null,
) : AutoCloseable {
    private val networks = Networks(factory, models, options.threads)
    private val pose: PoseTracker
    private val regions: HandRegionFinder
    private val leftHand: HandTracker
    private val rightHand: HandTracker
    private val face: FaceTracker?
    private val palms: LostHands?
    private var lastTime = Double.NEGATIVE_INFINITY
    private var lastWidth = 0
    private var lastHeight = 0

    init {
        try {
            val follow = !options.still
            pose = PoseTracker(
                PoseDetector(networks.load(KeypointModel.POSE_DETECTION), options.detection),
                networks.load(KeypointModel.POSE_LANDMARKS),
                options.tracking,
                follow,
                follow && options.smooth,
                stopwatch,
            )
            regions = HandRegionFinder(networks.load(KeypointModel.HAND_REGION))
            val hands = HandModel(networks.load(KeypointModel.HAND_LANDMARKS))
            leftHand = HandTracker(hands, follow)
            rightHand = HandTracker(hands, follow)
            face = if (options.face) {
                val detector = FaceDetector(networks.load(KeypointModel.FACE_DETECTION), FACE_CONFIDENCE)
                FaceTracker(detector, networks.load(KeypointModel.FACE_LANDMARKS), follow)
            } else {
                null
            }
            palms = if (options.palms) {
                LostHands(PalmDetector(networks.load(KeypointModel.PALM_DETECTION), PALM_CONFIDENCE), hands)
            } else {
                null
            }
        } catch (error: Throwable) {
            networks.close()
            throw error
        }
    }

    /**
     * Find the landmarks in a picture.
     *
     * The pictures of a recording come in the order of their times. A picture with the time of the last one counts as
     * just after it; an earlier time restarts the smoothing; another size restarts the tracking.
     *
     * @param timestampMilliseconds time of the picture, from any origin
     * @throws IllegalArgumentException if the time is not a number
     * @throws org.slrkeras.core.engine.EngineException if a model fails
     */
    fun track(picture: Picture, timestampMilliseconds: Double): HolisticLandmarks {
        require(timestampMilliseconds.isFinite()) { "a picture at $timestampMilliseconds milliseconds" }
        val seconds = advance(picture, timestampMilliseconds)
        val body = pose.track(picture, seconds)
        val left = hand(leftHand, picture, body, wrist = 15, little = 17, index = 19)
        val right = hand(rightHand, picture, body, wrist = 16, little = 18, index = 20)
        val surface = if (body == null) null.also { face?.reset() } else faceOf(picture, body)
        val hands = palms?.let { stopwatch.timed(Stage.PALMS) { it.completed(picture, left, right) } }
            ?: Pair(left, right)
        return HolisticLandmarks(body, surface, hands.first, hands.second, picture.width, picture.height)
    }

    private fun hand(
        tracker: HandTracker,
        picture: Picture,
        body: Landmarks?,
        wrist: Int,
        little: Int,
        index: Int,
    ): Hand? {
        val fresh = body?.let {
            stopwatch.timed(Stage.HAND_REGIONS) { regions.find(picture, it, wrist, little, index) }
        }
        return stopwatch.timed(Stage.HAND_LANDMARKS) { tracker.track(picture, fresh) }
    }

    private fun faceOf(picture: Picture, body: Landmarks) =
        face?.let { stopwatch.timed(Stage.FACE) { it.track(picture, body) } }

    /** Find the landmarks in a picture at a whole millisecond. */
    fun track(
        picture: Picture,
        timestampMilliseconds: Long,
    ): HolisticLandmarks = track(picture, timestampMilliseconds.toDouble())

    /** Forget the tracked person: another recording begins. */
    fun reset() {
        pose.reset()
        leftHand.reset()
        rightHand.reset()
        face?.reset()
        lastTime = Double.NEGATIVE_INFINITY
    }

    /** Close the models. */
    override fun close() = networks.close()

    private fun advance(picture: Picture, milliseconds: Double): Double {
        if (picture.width != lastWidth || picture.height != lastHeight) reset()
        lastWidth = picture.width
        lastHeight = picture.height
        if (milliseconds < lastTime) pose.restartSmoothing()
        lastTime = if (milliseconds == lastTime) milliseconds + JUST_AFTER else milliseconds
        return lastTime / 1000
    }

    private companion object {
        const val FACE_CONFIDENCE = 0.5f
        const val PALM_CONFIDENCE = 0.5f
        const val JUST_AFTER = 1e-3
    }
}
