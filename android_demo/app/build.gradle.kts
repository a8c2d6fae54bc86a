plugins {
    alias(libs.plugins.android.application)
    alias(libs.plugins.kotlin.android)
}

android {
    namespace = "org.slrkeras.demo"
    compileSdk = libs.versions.sdk.target.get().toInt()

    defaultConfig {
        applicationId = "org.slrkeras.demo"
        minSdk = libs.versions.sdk.minimum.get().toInt()
        targetSdk = libs.versions.sdk.target.get().toInt()
        versionCode = libs.versions.app.code.get().toInt()
        versionName = libs.versions.app.name.get()
        ndk { abiFilters += listOf("arm64-v8a", "armeabi-v7a", "x86_64") }
    }
    buildTypes {
        release {
            isMinifyEnabled = true
            proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"), "proguard-rules.pro")
        }
    }
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_1_8
        targetCompatibility = JavaVersion.VERSION_1_8
    }
    kotlinOptions { jvmTarget = "1.8" }
    androidResources { noCompress += "tflite" }
    sourceSets["main"].kotlin.srcDir("src/main/kotlin")
    sourceSets["main"].assets.srcDir(layout.buildDirectory.dir("gathered"))
}

// -Pbundle=DIR -Pkeypoint-models=DIR, as of build_apk.sh.
val gatherAssets by tasks.registering(Sync::class) {
    into(layout.buildDirectory.dir("gathered"))
    providers.gradleProperty("bundle").orNull?.let { bundle ->
        from(bundle) {
            include("metadata.json", "keypoints.json", "labels.txt", "language_model.json", "stream_*.tflite")
            into("bundle")
        }
    }
    providers.gradleProperty("keypoint-models").orNull?.let { models ->
        from(models, rootProject.file("../slr_keras/data/layouts/mediapipe_holistic_543.json")) { into("keypoints") }
    }
}

tasks.named("preBuild") { dependsOn(gatherAssets) }

dependencies {
    implementation(project(":core"))
    implementation(libs.tensorflow.lite)
    implementation(libs.tensorflow.lite.api)
}
