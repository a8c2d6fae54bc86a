package org.slrkeras.demo

import android.annotation.SuppressLint
import android.content.Context
import android.graphics.ImageFormat
import android.hardware.camera2.CameraAccessException
import android.hardware.camera2.CameraCaptureSession
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraDevice
import android.hardware.camera2.CameraManager
import android.media.ImageReader
import android.os.Handler
import android.os.HandlerThread
import android.util.Size
import org.slrkeras.core.image.RgbImage
import org.slrkeras.core.image.YuvConverter
import org.slrkeras.core.image.YuvRange
import org.slrkeras.core.image.uprightRotation
import kotlin.math.abs

/**
 * Gives the pictures of a camera, upright and never mirrored, on a thread of its own.
 *
 * @param displayRotation degrees by which the screen is turned now
 * @param onPicture a picture, which is overwritten after the call, when it was taken (seconds of a clock that only
 *   goes forward), and whether the camera looks at the user
 * @param onTrouble on the camera's thread; the camera is closed then
 */
class CameraSource(
    context: Context,
    private val displayRotation: () -> Int,
    private val onPicture: (RgbImage, Double, Boolean) -> Unit,
    private val onTrouble: (Trouble) -> Unit,
) {
    private val manager = context.getSystemService(CameraManager::class.java)
    private val thread = HandlerThread("camera").apply { start() }
    private val handler = Handler(thread.looper)
    private val converter = YuvConverter()
    private val images = YuvImages(YuvRange.FULL)
    private var device: CameraDevice? = null
    private var reader: ImageReader? = null
    private var closed = false

    /** Open a camera that looks at the user ([front]) or away; if there is none of that kind, any. */
    fun open(front: Boolean) {
        handler.post { guarded { openNow(front) } }
    }

    /** Give the camera back and end the thread; returns at once. */
    fun close() {
        handler.post {
            release()
            thread.quitSafely()
        }
    }

    // MainActivity asks for the permission first; if it was withdrawn since, SecurityException is told as a trouble.
    @SuppressLint("MissingPermission")
    private fun openNow(front: Boolean) {
        val wanted = if (front) CameraCharacteristics.LENS_FACING_FRONT else CameraCharacteristics.LENS_FACING_BACK
        val cameras = manager.cameraIdList.map { it to manager.getCameraCharacteristics(it) }
        val (id, about) = cameras.firstOrNull { it.second.get(CameraCharacteristics.LENS_FACING) == wanted }
            ?: cameras.firstOrNull() ?: return fail(Trouble.NO_CAMERA)
        val size = size(about) ?: return fail(Trouble.NO_CAMERA)
        val pictures = ImageReader.newInstance(size.width, size.height, ImageFormat.YUV_420_888, BUFFERS)
        reader = pictures
        val facing = about.get(CameraCharacteristics.LENS_FACING) == CameraCharacteristics.LENS_FACING_FRONT
        val sensor = about.get(CameraCharacteristics.SENSOR_ORIENTATION) ?: 0
        pictures.setOnImageAvailableListener({ take(it, sensor, facing) }, handler)
        manager.openCamera(id, DeviceCallback(pictures), handler)
    }

    private fun size(about: CameraCharacteristics): Size? =
        about.get(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP)
            ?.getOutputSizes(ImageFormat.YUV_420_888)
            ?.minByOrNull { abs(it.width * it.height - WANTED_PIXELS) }

    private fun take(from: ImageReader, sensor: Int, front: Boolean) {
        if (closed) return
        val image = from.acquireLatestImage() ?: return
        val frame = images.copy(image)
        val seconds = image.timestamp / NANOSECONDS
        image.close()
        onPicture(converter.convert(frame, uprightRotation(sensor, displayRotation(), front)), seconds, front)
    }

    private inner class DeviceCallback(private val pictures: ImageReader) : CameraDevice.StateCallback() {
        override fun onOpened(camera: CameraDevice) {
            device = camera
            if (closed) return camera.close()
            val callback = SessionCallback(camera, pictures)
            guarded { camera.createCaptureSession(listOf(pictures.surface), callback, handler) }
        }

        override fun onDisconnected(camera: CameraDevice) {
            device = camera
            fail(Trouble.CAMERA_IN_USE)
        }

        override fun onError(camera: CameraDevice, error: Int) {
            device = camera
            fail(
                when (error) {
                    ERROR_CAMERA_IN_USE, ERROR_MAX_CAMERAS_IN_USE -> Trouble.CAMERA_IN_USE
                    ERROR_CAMERA_DISABLED -> Trouble.CAMERA_DISABLED
                    else -> Trouble.CAMERA_FAILED
                },
            )
        }
    }

    private inner class SessionCallback(private val camera: CameraDevice, private val pictures: ImageReader) :
        CameraCaptureSession.StateCallback() {
        override fun onConfigured(session: CameraCaptureSession) = guarded {
            if (!closed) {
                val request = camera.createCaptureRequest(CameraDevice.TEMPLATE_PREVIEW)
                request.addTarget(pictures.surface)
                session.setRepeatingRequest(request.build(), null, handler)
            }
        }

        override fun onConfigureFailed(session: CameraCaptureSession) = fail(Trouble.CAMERA_FAILED)
    }

    private fun guarded(action: () -> Unit) {
        try {
            action()
        } catch (problem: CameraAccessException) {
            fail(
                when (problem.reason) {
                    CameraAccessException.CAMERA_IN_USE,
                    CameraAccessException.MAX_CAMERAS_IN_USE,
                    -> Trouble.CAMERA_IN_USE
                    CameraAccessException.CAMERA_DISABLED -> Trouble.CAMERA_DISABLED
                    else -> Trouble.CAMERA_FAILED
                },
            )
        } catch (_: SecurityException) {
            fail(Trouble.PERMISSION)
        } catch (_: IllegalStateException) {
            fail(Trouble.CAMERA_FAILED)
        } catch (_: IllegalArgumentException) {
            fail(Trouble.CAMERA_FAILED)
        }
    }

    private fun fail(trouble: Trouble) {
        val expected = closed
        release()
        if (!expected) onTrouble(trouble)
    }

    private fun release() {
        closed = true
        device?.close()
        reader?.close()
        device = null
        reader = null
    }

    private companion object {
        const val WANTED_PIXELS = 640 * 480
        const val BUFFERS = 3
        const val NANOSECONDS = 1e9
    }
}
