package org.slrkeras.core.timing

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.slrkeras.core.engine.EngineException
import org.slrkeras.core.image.Picture
import org.slrkeras.core.keypoints.Doubles
import org.slrkeras.core.keypoints.HolisticTracker
import org.slrkeras.core.keypoints.KeypointModel
import org.slrkeras.core.keypoints.KeypointOptions
import org.slrkeras.core.keypoints.Scene

/** Keeps what it is told, and that no stage lies in another. */
private class Diary : Stopwatch {
    val stages = ArrayList<Stage>()
    var running: Stage? = null

    override fun begin(stage: Stage) {
        assertNull(running, "$stage begins within $running")
        running = stage
        stages += stage
    }

    override fun end(stage: Stage) {
        assertEquals(stage, running)
        running = null
    }
}

class StopwatchTest {
    private val picture = Picture(64, 48)
    private val diary = Diary()

    private fun tracker(scene: Scene, stopwatch: Stopwatch?, answer: (KeypointModel) -> Unit = {}) = HolisticTracker(
        Doubles { model, outputs ->
            answer(model)
            scene.answer(model, outputs)
        },
        Doubles.EMPTY_FILES,
        KeypointOptions(face = true, palms = true),
        stopwatch,
    )

    @Test
    fun `each model runs in the stage that is named for it, one stage after the other`() {
        val ran = ArrayList<Pair<KeypointModel, Stage?>>()
        val scene = Scene().also { it.palm = true }
        tracker(scene, diary) { ran += it to diary.running }.use { tracker ->
            tracker.track(picture, 0L)
            scene.hands = false
            tracker.track(picture, 40L)
        }
        val stages = mapOf(
            KeypointModel.POSE_DETECTION to setOf(Stage.POSE_DETECTION),
            KeypointModel.POSE_LANDMARKS to setOf(Stage.POSE_LANDMARKS),
            KeypointModel.HAND_REGION to setOf(Stage.HAND_REGIONS),
            KeypointModel.HAND_LANDMARKS to setOf(Stage.HAND_LANDMARKS, Stage.PALMS),
            KeypointModel.PALM_DETECTION to setOf(Stage.PALMS),
            KeypointModel.FACE_DETECTION to setOf(Stage.FACE),
            KeypointModel.FACE_LANDMARKS to setOf(Stage.FACE),
        )
        assertEquals(stages.keys, ran.map { it.first }.toSet())
        for ((model, stage) in ran) assertTrue(stage in stages.getValue(model), "$model ran in $stage")
        val hands = listOf(Stage.HAND_REGIONS, Stage.HAND_LANDMARKS)
        val followed = listOf(Stage.POSE_LANDMARKS, Stage.SMOOTHING) + hands + hands + Stage.FACE + Stage.PALMS
        assertEquals(listOf(Stage.POSE_DETECTION) + followed + followed, diary.stages)
    }

    @Test
    fun `a stopwatch changes nothing of what is found`() {
        fun found(stopwatch: Stopwatch?) = tracker(Scene(), stopwatch).use { tracker ->
            (0L until 3L).map { tracker.track(picture, 40 * it).inPixels() }
        }
        found(null).zip(found(diary)).forEach { (without, with) -> assertArrayEquals(without, with) }
    }

    @Test
    fun `a stage ends although its model fails`() {
        val failing = tracker(Scene(), diary) {
            if (it == KeypointModel.HAND_LANDMARKS) throw EngineException("out of order")
        }
        assertThrows(EngineException::class.java) { failing.use { it.track(picture, 0L) } }
        assertEquals(Stage.HAND_LANDMARKS, diary.stages.last())
        assertNull(diary.running)
    }
}
