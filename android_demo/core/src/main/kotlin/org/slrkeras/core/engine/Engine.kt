package org.slrkeras.core.engine

/** Element type of a tensor. */
enum class ElementType { FLOAT32, INT32 }

/**
 * Name, shape and type of one input or output of a model file.
 *
 * The shape is static: the models of this project have no dynamic dimension.
 */
class TensorSpec(val name: String, val shape: IntArray, val type: ElementType) {
    /** Number of elements. */
    val size: Int get() = shape.fold(1) { product, side -> product * side }

    override fun toString() = "$name ${shape.joinToString("x", "[", "]")} $type"
}

/**
 * One signature of one model file, loaded and ready to run. `core` uses TensorFlow Lite only through this interface.
 *
 * Not safe for use from several threads at once.
 */
interface Engine : AutoCloseable {
    /** Inputs, in the order in which [run] takes them. */
    val inputs: List<TensorSpec>

    /** Outputs, in the order in which [run] fills them. */
    val outputs: List<TensorSpec>

    /**
     * Run the model once.
     *
     * @param values one FloatArray or IntArray per input, flat, row-major, of the size in its spec
     * @param results one FloatArray or IntArray per output, which is overwritten
     * @throws EngineException if the model refuses the values or fails
     */
    fun run(values: List<Any>, results: List<Any>)
}

/** The model could not be loaded or run; the message says which file and why. */
class EngineException(message: String, cause: Throwable? = null) : RuntimeException(message, cause)

/** Loads model files. */
fun interface EngineFactory {
    /**
     * Load one signature of the model in [bytes].
     *
     * @param name file name, for messages
     * @param signature key of the signature, or null for a file with one graph and no signature
     * @param threads maximum number of threads
     */
    fun load(name: String, bytes: ByteArray, signature: String?, threads: Int): Engine
}
