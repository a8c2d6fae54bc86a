package org.slrkeras.core.json

/** The text is not valid JSON, or a value has the wrong type; the message says where. */
class JsonException(message: String) : RuntimeException(message)

/** A JSON value (RFC 8259). */
sealed class Json {
    /**
     * The value as Python's `json.dumps(sort_keys=True, separators=(",", ":"))` writes it: keys sorted, no spaces,
     * ASCII only. Numbers keep the spelling of the text.
     */
    fun canonical(): String = StringBuilder().also(::write).toString()

    internal abstract fun write(to: StringBuilder)
}

/** `{...}`, in the order of the text. */
class JsonObject(val members: Map<String, Json>) : Json() {
    override fun write(to: StringBuilder) {
        to.append('{')
        members.keys.sorted().forEachIndexed { place, key ->
            if (place > 0) to.append(',')
            quote(key, to)
            to.append(':')
            members.getValue(key).write(to)
        }
        to.append('}')
    }
}

/** `[...]`. */
class JsonArray(val values: List<Json>) : Json() {
    override fun write(to: StringBuilder) {
        to.append('[')
        values.forEachIndexed { place, value ->
            if (place > 0) to.append(',')
            value.write(to)
        }
        to.append(']')
    }
}

/** `"..."`, escapes resolved. */
class JsonText(val text: String) : Json() {
    override fun write(to: StringBuilder) = quote(text, to)
}

/** A number, as it is written. */
class JsonNumber(val text: String) : Json() {
    override fun write(to: StringBuilder) {
        to.append(text)
    }
}

/** `true` or `false`. */
class JsonBoolean(val value: Boolean) : Json() {
    override fun write(to: StringBuilder) {
        to.append(value)
    }
}

/** `null`. */
object JsonNull : Json() {
    override fun write(to: StringBuilder) {
        to.append("null")
    }
}

private fun quote(text: String, to: StringBuilder) {
    to.append('"')
    for (letter in text) {
        when (letter) {
            '"' -> to.append("\\\"")
            '\\' -> to.append("\\\\")
            '\n' -> to.append("\\n")
            '\r' -> to.append("\\r")
            '\t' -> to.append("\\t")
            '\b' -> to.append("\\b")
            '\u000c' -> to.append("\\f")
            in ' '..'~' -> to.append(letter)
            else -> to.append("\\u").append(letter.code.toString(16).padStart(4, '0'))
        }
    }
    to.append('"')
}
