package org.slrkeras.core.keypoints

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.slrkeras.core.engine.EngineException
import org.slrkeras.core.image.Picture

class HolisticTrackerTest {
    private val scene = Scene()
    private val doubles = Doubles(scene::answer)
    private val picture = Picture(64, 48)

    private fun detections() = doubles.runs[KeypointModel.POSE_DETECTION] ?: 0

    @Test
    fun `a person is detected once, and followed`() {
        doubles.tracker().use { tracker ->
            for (time in 0L until 5L) {
                val found = tracker.track(picture, 40 * time)
                assertEquals(33, found.pose?.count)
                assertEquals(21, found.left?.landmarks?.count)
                assertEquals(21, found.right?.landmarks?.count)
                assertNull(found.face)
            }
        }
        assertEquals(1, detections())
    }

    @Test
    fun `who has left is looked for again in every picture, and found again`() {
        doubles.tracker().use { tracker ->
            tracker.track(picture, 0L)
            scene.person = false
            for (time in 1L..3L) {
                val found = tracker.track(picture, 40 * time)
                assertTrue(listOf(found.pose, found.left, found.right).all { it == null })
                assertTrue(found.inPixels().all { it == 0f })
            }
            assertEquals(3, detections())
            scene.person = true
            assertNotNull(tracker.track(picture, 160L).pose)
        }
    }

    @Test
    fun `still pictures have nothing to do with each other`() {
        doubles.tracker(KeypointOptions(still = true)).use { tracker ->
            val first = tracker.track(picture, 0L).inPixels()
            scene.wrists = 1f
            tracker.track(picture, 40L)
            scene.wrists = 3f
            assertArrayEquals(first, tracker.track(picture, 80L).inPixels())
        }
        assertEquals(3, detections())
    }

    @Test
    fun `hands are not looked for where the wrist is not seen`() {
        scene.wrists = -9f
        doubles.tracker().use { assertNull(it.track(picture, 0L).left) }
        assertNull(doubles.runs[KeypointModel.HAND_LANDMARKS])
    }

    @Test
    fun `a hand that is not there is null, and the body is not`() {
        scene.hands = false
        doubles.tracker().use {
            val found = it.track(picture, 0L)
            assertNull(found.right)
            assertNotNull(found.pose)
        }
    }

    @Test
    fun `the layout has pose, face, left and right hand in pixels`() {
        doubles.tracker(KeypointOptions(face = true)).use { tracker ->
            val found = tracker.track(picture, 0L)
            val points = found.inPixels()
            assertEquals(4 * 543, points.size)
            val parts = listOf(
                0 to found.pose,
                33 to found.face,
                501 to found.left?.landmarks,
                522 to found.right?.landmarks,
            )
            for ((first, part) in parts) {
                checkNotNull(part)
                val expected = floatArrayOf(64 * part.x(3), 48 * part.y(3), 64 * part.z(3), part.score(3))
                assertArrayEquals(expected, points.copyOfRange(4 * (first + 3), 4 * (first + 4)), 1e-4f)
            }
        }
    }

    @Test
    fun `time that stands or goes back is borne, and time that is no number refused`() {
        doubles.tracker().use { tracker ->
            for (time in listOf(1000.0, 1000.0, 1000.0, 10.0, 50.0)) {
                assertTrue(tracker.track(picture, time).inPixels().all { it.isFinite() })
            }
            assertEquals(1, detections())
            assertThrows(IllegalArgumentException::class.java) { tracker.track(picture, Double.NaN) }
        }
    }

    @Test
    fun `after time went back nothing of before is mixed in`() {
        doubles.tracker().use { tracker ->
            tracker.track(picture, 1e6)
            scene.wrists = -1f
            assertEquals(sigmoid(-1f), checkNotNull(tracker.track(picture, 0.0).pose).score(15), 1e-6f)
            scene.wrists = 3f
            assertEquals(true, checkNotNull(tracker.track(picture, 40.0).pose).score(15) < 0.5f)
        }
    }

    @Test
    fun `pictures of another size, or a reset, begin anew`() {
        doubles.tracker().use { tracker ->
            tracker.track(picture, 0L)
            tracker.track(Picture(64, 48, rotation = 90), 40L)
            assertEquals(2, detections())
            tracker.reset()
            tracker.track(Picture(48, 64), 80L)
            assertEquals(3, detections())
        }
    }

    @Test
    fun `a hand that the body does not lead to is found by its palm, and is left or right by its shape`() {
        scene.wrists = -9f
        scene.palm = true
        doubles.tracker(KeypointOptions(palms = true)).use { tracker ->
            scene.rightness = 0.1f
            val left = tracker.track(picture, 0L)
            assertNotNull(left.left)
            assertNull(left.right)
            scene.rightness = 0.9f
            assertNotNull(tracker.track(picture, 40L).right)
        }
    }

    @Test
    fun `a detector that sees palms everywhere costs a few runs only`() {
        val everywhere = Doubles { model, outputs ->
            scene.answer(model, outputs)
            if (model == KeypointModel.PALM_DETECTION) {
                outputs[1].fill(4f)
                for (at in outputs[0].indices) {
                    outputs[0][at] =
                        if (at % 18 in 2..3) 1f else (at % 18 == 5).compareTo(false) * -2f
                }
            }
        }
        scene.hands = false
        scene.wrists = -9f
        everywhere.tracker(KeypointOptions(palms = true)).use { it.track(picture, 0L) }
        assertEquals(4, everywhere.runs[KeypointModel.HAND_LANDMARKS])
    }

    @Test
    fun `only the models that the options need are loaded, and all are closed`() {
        assertEquals(4, KeypointOptions().models.size)
        val tracker = HolisticTracker(doubles, KeypointOptions().models.associateWith { ByteArray(0) })
        assertEquals(4, doubles.open)
        tracker.close()
        assertEquals(0, doubles.open)
    }

    @Test
    fun `a model that is missing or another is named, and nothing stays open`() {
        val some = Doubles.EMPTY_FILES - KeypointModel.HAND_LANDMARKS
        val missing = assertThrows(EngineException::class.java) { HolisticTracker(doubles, some) }
        assertTrue("hand_landmark_full.tflite" in missing.message.orEmpty())
        doubles.surplus = 1
        val other = assertThrows(EngineException::class.java) { doubles.tracker() }
        assertTrue("pose_detection.tflite" in other.message.orEmpty())
        assertEquals(0, doubles.open)
    }

    @Test
    fun `options that cannot be are refused`() {
        assertThrows(IllegalArgumentException::class.java) { KeypointOptions(detection = 1.5f) }
        assertThrows(IllegalArgumentException::class.java) { KeypointOptions(tracking = Float.NaN) }
        assertThrows(IllegalArgumentException::class.java) { KeypointOptions(threads = 0) }
    }
}
