package org.slrkeras.demo

import android.Manifest
import android.app.Activity
import android.content.ComponentCallbacks2
import android.content.Intent
import android.content.pm.PackageManager
import android.net.Uri
import android.os.Bundle
import android.provider.Settings
import android.view.Menu
import android.view.MenuItem
import android.view.Surface
import android.view.WindowManager
import android.widget.Toast
import android.widget.Toolbar
import org.slrkeras.core.session.restoredSession
import org.slrkeras.core.session.saved

/** The app's only activity: lifecycle, permission, menu and pickers. [MainScreen] shows the results. */
class MainActivity : Activity() {
    private lateinit var recognition: Recognition
    private lateinit var screen: MainScreen
    private var camera: CameraSource? = null
    private var front = true
    private var asked = false

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        setContentView(R.layout.main)
        setActionBar(findViewById(R.id.toolbar) as Toolbar)
        window.addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON)
        front = state?.getBoolean(FRONT) ?: true
        asked = state?.getBoolean(ASKED) ?: false
        @Suppress("DEPRECATION")
        val kept = lastNonConfigurationInstance as? Recognition
        recognition = kept ?: Recognition(this, restoredSession(state?.getString(SESSION)))
        screen = MainScreen(this, ::remedy, ::invalidateOptionsMenu) { if (resumed) openCamera() }
        screen.showFigures = state?.getBoolean(FIGURES) ?: false
        recognition.screen = screen
        screen.showSession(recognition.session)
    }

    private var resumed = false

    override fun onResume() {
        super.onResume()
        resumed = true
        if (!recognition.readingVideo) openCamera()
    }

    override fun onPause() {
        resumed = false
        closeCamera()
        super.onPause()
    }

    override fun onSaveInstanceState(state: Bundle) {
        super.onSaveInstanceState(state)
        state.putString(SESSION, recognition.session.saved())
        state.putBoolean(FRONT, front)
        state.putBoolean(ASKED, asked)
        state.putBoolean(FIGURES, screen.showFigures)
    }

    // A framework activity has no view model: this is how what takes seconds to load survives a turn of the screen.
    @Suppress("DEPRECATION", "OVERRIDE_DEPRECATION")
    override fun onRetainNonConfigurationInstance(): Any = recognition

    override fun onDestroy() {
        if (recognition.screen === screen) recognition.screen = null
        if (!isChangingConfigurations) recognition.close()
        super.onDestroy()
    }

    override fun onTrimMemory(level: Int) {
        super.onTrimMemory(level)
        if (level == ComponentCallbacks2.TRIM_MEMORY_RUNNING_CRITICAL) {
            closeCamera()
            recognition.release()
        }
    }

    override fun onCreateOptionsMenu(menu: Menu): Boolean {
        menuInflater.inflate(R.menu.main, menu)
        return true
    }

    override fun onPrepareOptionsMenu(menu: Menu): Boolean {
        menu.findItem(R.id.pause).setTitle(if (recognition.session.paused) R.string.resume else R.string.pause)
        menu.findItem(R.id.show_figures).isChecked = screen.showFigures
        return true
    }

    override fun onOptionsItemSelected(item: MenuItem): Boolean {
        when (item.itemId) {
            R.id.pause -> recognition.togglePause()
            R.id.switch_camera -> switchCamera()
            R.id.open_video -> pick(VIDEO, "video/*")
            R.id.share -> share()
            R.id.clear -> recognition.clear()
            R.id.show_figures -> screen.showFigures = !screen.showFigures
            R.id.open_model -> pick(MODEL, "application/zip", "application/octet-stream")
            R.id.original_model -> recognition.originalModel()
            else -> return super.onOptionsItemSelected(item)
        }
        invalidateOptionsMenu()
        return true
    }

    override fun onActivityResult(request: Int, result: Int, data: Intent?) {
        val file = data?.data?.takeIf { result == RESULT_OK } ?: return
        when (request) {
            VIDEO -> {
                closeCamera()
                recognition.transcribe(file)
            }
            MODEL -> recognition.replaceModel(file)
        }
    }

    override fun onRequestPermissionsResult(request: Int, permissions: Array<String>, results: IntArray) {
        // Empty where the question was put aside, for instance by turning the screen.
        if (results.isNotEmpty() && results[0] != PackageManager.PERMISSION_GRANTED) {
            screen.showError(AppError.PERMISSION, "")
        }
    }

    private fun openCamera() {
        if (camera != null || recognition.readingVideo) return
        if (checkSelfPermission(Manifest.permission.CAMERA) != PackageManager.PERMISSION_GRANTED) {
            if (asked) return screen.showError(AppError.PERMISSION, "")
            asked = true
            return requestPermissions(arrayOf(Manifest.permission.CAMERA), PERMISSION)
        }
        screen.clearError(AppError.PERMISSION)
        val source = CameraSource(this, front, ::displayRotation)
        camera = source
        recognition.watch(source) { problem ->
            if (camera === source) closeCamera()
            screen.showError(problem.error, problem.detail)
        }
    }

    private fun closeCamera() {
        camera?.stop()
        camera = null
    }

    private fun switchCamera() {
        front = !front
        recognition.cancelVideo()
        closeCamera()
        openCamera()
    }

    private fun displayRotation(): Int = when (windowManager.defaultDisplay.rotation) {
        Surface.ROTATION_90 -> 90
        Surface.ROTATION_180 -> 180
        Surface.ROTATION_270 -> 270
        else -> 0
    }

    /** Action of the button beside a message. */
    private fun remedy(error: AppError) {
        if (error == AppError.PERMISSION) {
            if (shouldShowRequestPermissionRationale(Manifest.permission.CAMERA)) {
                requestPermissions(arrayOf(Manifest.permission.CAMERA), PERMISSION)
            } else {
                start(Intent(Settings.ACTION_APPLICATION_DETAILS_SETTINGS, Uri.fromParts("package", packageName, null)))
            }
            return
        }
        recognition.load()
        closeCamera()
        openCamera()
    }

    private fun pick(request: Int, vararg types: String) {
        val intent = Intent(Intent.ACTION_OPEN_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE)
        intent.setType(types.singleOrNull() ?: "*/*")
        if (types.size > 1) intent.putExtra(Intent.EXTRA_MIME_TYPES, types)
        start(intent, request)
    }

    private fun share() {
        val text = recognition.session.sharedText
        if (text.isEmpty()) return Toast.makeText(this, R.string.share_nothing, Toast.LENGTH_SHORT).show()
        val send = Intent(Intent.ACTION_SEND).setType("text/plain").putExtra(Intent.EXTRA_TEXT, text)
        start(Intent.createChooser(send, getString(R.string.share)))
    }

    private fun start(intent: Intent, request: Int? = null) {
        if (intent.resolveActivity(packageManager) == null && intent.action != Intent.ACTION_CHOOSER) {
            return screen.showError(AppError.FILE, intent.action.orEmpty())
        }
        if (request == null) startActivity(intent) else startActivityForResult(intent, request)
    }

    private companion object {
        const val SESSION = "session"
        const val FRONT = "front"
        const val ASKED = "asked"
        const val FIGURES = "figures"
        const val PERMISSION = 1
        const val VIDEO = 2
        const val MODEL = 3
    }
}
