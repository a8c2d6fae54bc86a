package org.slrkeras.core.session

import org.slrkeras.core.engine.EngineException
import org.slrkeras.core.engine.EngineFactory
import org.slrkeras.core.json.JsonField
import org.slrkeras.core.json.parseJson
import org.slrkeras.core.keypoints.FaceTracker
import org.slrkeras.core.keypoints.HolisticTracker
import org.slrkeras.core.keypoints.Image
import org.slrkeras.core.keypoints.KeypointOptions
import org.slrkeras.core.keypoints.PoseTracker
import org.slrkeras.core.pipeline.Arrangement
import org.slrkeras.core.pipeline.SignReader
import org.slrkeras.core.recognition.Bundle
import org.slrkeras.core.recognition.Contract
import org.slrkeras.core.recognition.Event
import org.slrkeras.core.recognition.StreamRecogniser

/**
 * What a picture gave to show.
 *
 * @property points of the skeleton, joined by [Skeleton.bones]
 * @property current the sentence under way
 * @property finished sentences that ended with this picture
 * @property keypointMilliseconds time that finding keypoints took
 * @property recognitionMilliseconds time that recognising took
 */
class Reading(
    val points: List<DrawnPoint>,
    val current: List<Gloss>,
    val finished: List<Sentence>,
    val keypointMilliseconds: Double,
    val recognitionMilliseconds: Double,
) {
    /** Time of all work on the picture. */
    val milliseconds: Double get() = keypointMilliseconds + recognitionMilliseconds
}

/** Reads pictures for a [Session]. Not safe for use from several threads at once. */
class SessionReader private constructor(
    private val reader: SignReader,
    private val recogniser: StreamRecogniser,
) : AutoCloseable {
    /** Read one upright picture that was taken at [milliseconds]; it is not kept. */
    fun read(image: Image, milliseconds: Long): Reading {
        val read = reader.read(image, milliseconds)
        return Reading(
            Skeleton.points(read.landmarks),
            recogniser.running.map { Gloss(it.gloss, it.confidence.toFloat()) },
            sentences(read.events),
            read.keypointMilliseconds,
            read.recognitionMilliseconds,
        )
    }

    /** The source has ended, or pauses: what was still open ends, and the next picture begins anew. */
    fun finish(): List<Sentence> = sentences(reader.finish())

    override fun close() = reader.close()

    companion object {
        /**
         * Load everything that reading takes.
         *
         * @param bundle of the recogniser
         * @param layout text of the description of the tracker's points
         * @param models gives the keypoint model of a file name, or null where there is none
         * @param threads at most so many threads compute
         * @throws EngineException if a model is missing or does not load
         * @throws org.slrkeras.core.recognition.BundleException if the bundle does not fit the tracker
         */
        fun open(
            bundle: Bundle,
            layout: String,
            models: (String) -> ByteArray?,
            engines: EngineFactory,
            threads: Int,
        ): SessionReader {
            val arrangement = Arrangement(bundle.contract, layout)
            val options = KeypointOptions(face = seesFace(bundle.contract, layout), threads = threads)
            val files = options.models.associateWith {
                models(it.fileName) ?: throw EngineException("${it.fileName}: the keypoint model is missing")
            }
            val tracker = HolisticTracker(engines, files, options)
            try {
                val recogniser = StreamRecogniser(bundle, engines, threads = threads)
                return SessionReader(SignReader(tracker, recogniser, arrangement), recogniser)
            } catch (problem: RuntimeException) {
                tracker.close()
                throw problem
            }
        }

        /** Whether the model sees any point of the face's surface; finding them costs time that others do without. */
        internal fun seesFace(contract: Contract, layout: String): Boolean {
            val names = JsonField(parseJson(layout, "layout"), "layout")["points"].texts()
            val face = names.drop(PoseTracker.POINTS).take(FaceTracker.POINTS).toSet()
            return contract.points.any { it in face }
        }
    }
}

private fun sentences(events: List<Event>): List<Sentence> =
    events.filterIsInstance<Event.Sentence>().map { said ->
        Sentence(said.glosses.zip(said.confidences) { name, confidence -> Gloss(name, confidence.toFloat()) })
    }
