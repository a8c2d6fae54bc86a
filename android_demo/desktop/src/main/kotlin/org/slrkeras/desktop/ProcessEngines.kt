package org.slrkeras.desktop

import org.slrkeras.core.engine.ElementType
import org.slrkeras.core.engine.Engine
import org.slrkeras.core.engine.EngineException
import org.slrkeras.core.engine.EngineFactory
import org.slrkeras.core.engine.TensorSpec
import java.io.BufferedOutputStream
import java.io.DataInputStream
import java.io.File
import java.io.IOException
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * Runs model files in a Python process with ai-edge-litert, in place of the phone's TensorFlow Lite library.
 *
 * @param python interpreter that has ai-edge-litert
 * @param script engine_process.py, which describes the protocol
 * @param ran called after each run of a model with its milliseconds, without and with the pipe to it
 * @throws EngineException if the process cannot be started
 */
class ProcessEngines(
    python: String,
    private val script: File,
    private val ran: (computing: Double, all: Double) -> Unit = { _, _ -> },
) : EngineFactory, AutoCloseable {
    private val process: Process = try {
        ProcessBuilder(python, script.path).redirectError(ProcessBuilder.Redirect.INHERIT).start()
    } catch (error: IOException) {
        throw EngineException("$python cannot be started: ${error.message}", error)
    }
    private val outgoing = BufferedOutputStream(process.outputStream, BUFFER)
    private val incoming = DataInputStream(process.inputStream.buffered(BUFFER))

    override fun load(name: String, bytes: ByteArray, signature: String?, threads: Int): Engine {
        val text = "${signature.orEmpty()}\n$threads".toByteArray()
        val request = message(4 + text.size + bytes.size).putInt(text.size).put(text).put(bytes)
        val answer = answered(name, 'L', request, 'S')
        val lines = String(ByteArray(answer.remaining()).also { answer.get(it) }).lines()
        fun side(word: String) = lines.drop(1).map { it.split(" ", limit = 4) }.filter { it[0] == word }.map {
            val shape = it[2].split("x").filter(String::isNotEmpty).map(String::toInt).toIntArray()
            TensorSpec(it[3], shape, if (it[1] == "int32") ElementType.INT32 else ElementType.FLOAT32)
        }
        return ProcessEngine(name, lines[0].toInt(), side("input"), side("output"))
    }

    override fun close() {
        outgoing.close()
        if (process.waitFor() != 0) System.err.println("$script ended with code ${process.exitValue()}")
    }

    private inner class ProcessEngine(
        private val name: String,
        private val number: Int,
        override val inputs: List<TensorSpec>,
        override val outputs: List<TensorSpec>,
    ) : Engine {
        private val request = message(4 + 4 * inputs.sumOf { it.size })

        override fun run(values: List<Any>, results: List<Any>) {
            if (values.size != inputs.size || results.size != outputs.size) {
                throw EngineException(
                    "$name: ${values.size} inputs and ${results.size} outputs; see $inputs and $outputs",
                )
            }
            val begin = System.nanoTime()
            request.clear()
            request.putInt(number)
            inputs.zip(values).forEach { (spec, value) -> put(spec, value) }
            val answer = answered(name, 'R', request, 'O')
            val computing = answer.double
            outputs.zip(results).forEach { (spec, result) -> take(spec, result, answer) }
            ran(computing, (System.nanoTime() - begin) / 1e6)
        }

        private fun put(spec: TensorSpec, value: Any) {
            val floats = spec.type == ElementType.FLOAT32
            when {
                floats && value is FloatArray && value.size == spec.size -> request.asFloatBuffer().put(value)
                !floats && value is IntArray && value.size == spec.size -> request.asIntBuffer().put(value)
                else -> throw EngineException("$name: wrong values for $spec")
            }
            request.position(request.position() + 4 * spec.size)
        }

        private fun take(spec: TensorSpec, result: Any, from: ByteBuffer) {
            val floats = spec.type == ElementType.FLOAT32
            when {
                floats && result is FloatArray && result.size == spec.size -> from.asFloatBuffer().get(result)
                !floats && result is IntArray && result.size == spec.size -> from.asIntBuffer().get(result)
                else -> throw EngineException("$name: wrong array for $spec")
            }
            from.position(from.position() + 4 * spec.size)
        }

        override fun close() {
            answered(name, 'C', message(4).putInt(number), 'D')
        }
    }

    private fun message(size: Int) = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN)

    @Synchronized
    private fun answered(name: String, kind: Char, request: ByteBuffer, expected: Char): ByteBuffer = try {
        outgoing.write(message(5).putInt(1 + request.position()).put(kind.code.toByte()).array())
        outgoing.write(request.array(), 0, request.position())
        outgoing.flush()
        val size = ByteArray(4).also(incoming::readFully)
        val answer = ByteArray(ByteBuffer.wrap(size).order(ByteOrder.LITTLE_ENDIAN).int).also(incoming::readFully)
        val content = ByteBuffer.wrap(answer, 1, answer.size - 1).order(ByteOrder.LITTLE_ENDIAN)
        if (answer[0].toInt().toChar() != expected) {
            throw EngineException("$name: " + String(answer, 1, answer.size - 1))
        }
        content
    } catch (error: IOException) {
        throw EngineException("$name: the process of $script has ended", error)
    }

    private companion object {
        const val BUFFER = 1 shl 20
    }
}
