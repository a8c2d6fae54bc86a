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
import org.slrkeras.core.frames.Frame
import org.slrkeras.core.frames.FrameSource
import org.slrkeras.core.frames.LatestFrame
import org.slrkeras.core.image.PicturePool
import org.slrkeras.core.image.YuvConverter
import org.slrkeras.core.image.YuvRange
import org.slrkeras.core.image.uprightRotation
import kotlin.math.abs

/**
 * Frames of a camera, upright and never mirrored; frames that come faster than they are taken are dropped.
 *
 * @param front whether the camera that faces the user is wanted; if there is none of that kind, any is opened
 * @param displayRotation degrees by which the screen is turned now; called on the camera's thread
 */
class CameraSource(
    context: Context,
    private val front: Boolean,
    private val displayRotation: () -> Int,
) : FrameSource {
    private val manager = context.getSystemService(CameraManager::class.java)
    private val thread = HandlerThread("camera")
    private val frames = LatestFrame()
    private val pool = PicturePool()
    private val converter = YuvConverter()
    private val images = YuvImages(YuvRange.FULL)

    // Set before the thread starts; all else below is of the camera's thread alone.
    private lateinit var handler: Handler
    private var device: CameraDevice? = null
    private var reader: ImageReader? = null

    override fun start() {
        thread.start()
        handler = Handler(thread.looper)
        handler.post { guarded(::open) }
    }

    /** @throws AppException if the camera cannot be opened or fails */
    override fun next(): Frame? = frames.take()

    override fun stop() = frames.end()

    /** Returns at once; the camera's thread gives the camera back. */
    override fun close() {
        stop()
        if (!thread.isAlive) return
        handler.post {
            release()
            thread.quitSafely()
        }
    }

    // MainActivity asks for the permission first; guarded() handles the SecurityException of a withdrawn permission.
    @SuppressLint("MissingPermission")
    private fun open() {
        if (frames.ended) return
        val wanted = if (front) CameraCharacteristics.LENS_FACING_FRONT else CameraCharacteristics.LENS_FACING_BACK
        val cameras = manager.cameraIdList.map { it to manager.getCameraCharacteristics(it) }
        val (id, about) = cameras.firstOrNull { it.second.get(CameraCharacteristics.LENS_FACING) == wanted }
            ?: cameras.firstOrNull() ?: return fail(AppError.NO_CAMERA)
        val size = size(about) ?: return fail(AppError.NO_CAMERA)
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

    private fun take(from: ImageReader, sensor: Int, facing: Boolean) {
        if (frames.ended) return
        val image = from.acquireLatestImage() ?: return
        val yuv = images.copy(image)
        val milliseconds = image.timestamp / NANOSECONDS
        image.close()
        val picture = pool.take()
        converter.convert(yuv, uprightRotation(sensor, displayRotation(), facing), picture)
        frames.put(Frame(picture, milliseconds, mirrored = facing, pool))
    }

    private inner class DeviceCallback(private val pictures: ImageReader) : CameraDevice.StateCallback() {
        override fun onOpened(camera: CameraDevice) {
            device = camera
            if (frames.ended) return camera.close()
            val callback = SessionCallback(camera, pictures)
            guarded { camera.createCaptureSession(listOf(pictures.surface), callback, handler) }
        }

        override fun onDisconnected(camera: CameraDevice) {
            device = camera
            fail(AppError.CAMERA_IN_USE)
        }

        override fun onError(camera: CameraDevice, error: Int) {
            device = camera
            fail(
                when (error) {
                    ERROR_CAMERA_IN_USE, ERROR_MAX_CAMERAS_IN_USE -> AppError.CAMERA_IN_USE
                    ERROR_CAMERA_DISABLED -> AppError.CAMERA_DISABLED
                    else -> AppError.CAMERA_FAILED
                },
            )
        }
    }

    private inner class SessionCallback(private val camera: CameraDevice, private val pictures: ImageReader) :
        CameraCaptureSession.StateCallback() {
        override fun onConfigured(session: CameraCaptureSession) = guarded {
            if (!frames.ended) {
                val request = camera.createCaptureRequest(CameraDevice.TEMPLATE_PREVIEW)
                request.addTarget(pictures.surface)
                session.setRepeatingRequest(request.build(), null, handler)
            }
        }

        override fun onConfigureFailed(session: CameraCaptureSession) = fail(AppError.CAMERA_FAILED)
    }

    private fun guarded(action: () -> Unit) {
        try {
            action()
        } catch (problem: CameraAccessException) {
            fail(
                when (problem.reason) {
                    CameraAccessException.CAMERA_IN_USE,
                    CameraAccessException.MAX_CAMERAS_IN_USE,
                    -> AppError.CAMERA_IN_USE
                    CameraAccessException.CAMERA_DISABLED -> AppError.CAMERA_DISABLED
                    else -> AppError.CAMERA_FAILED
                },
            )
        } catch (_: SecurityException) {
            fail(AppError.PERMISSION)
        } catch (_: IllegalStateException) {
            fail(AppError.CAMERA_FAILED)
        } catch (_: IllegalArgumentException) {
            fail(AppError.CAMERA_FAILED)
        }
    }

    private fun fail(error: AppError) {
        release()
        frames.end(AppException(error))
    }

    private fun release() {
        device?.close()
        reader?.close()
        device = null
        reader = null
    }

    private companion object {
        const val WANTED_PIXELS = 640 * 480
        const val BUFFERS = 3
        const val NANOSECONDS = 1e6
    }
}
