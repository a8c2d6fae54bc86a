package org.slrkeras.core.json

/**
 * A JSON value and its place in a file, which error messages name.
 *
 * @param where file and keys, such as `metadata.json: streaming.delay`
 */
class JsonField(val value: Json, val where: String) {
    /** The member of an object. */
    operator fun get(key: String): JsonField = find(key) ?: fail("the key \"$key\" is missing")

    /** The member of an object, or null if it is missing. */
    fun find(key: String): JsonField? = members()[key]

    /** The members of an object. */
    fun members(): Map<String, JsonField> {
        val json = value as? JsonObject ?: fail("must be an object")
        return json.members.mapValues { (key, member) -> JsonField(member, inside(key)) }
    }

    /** The elements of a list. */
    fun list(): List<JsonField> {
        val json = value as? JsonArray ?: fail("must be a list")
        return json.values.mapIndexed { place, element -> JsonField(element, "$where[$place]") }
    }

    fun text(): String = (value as? JsonText)?.text ?: fail("must be a text")

    fun boolean(): Boolean = (value as? JsonBoolean)?.value ?: fail("must be true or false")

    /** A finite number of [least] or more. */
    fun number(least: Double = -Double.MAX_VALUE): Double {
        val number = (value as? JsonNumber)?.text?.toDouble() ?: fail("must be a number")
        if (number.isInfinite() || number < least) fail("$number is not a finite number of $least or more")
        return number
    }

    /** A whole number within [range]. */
    fun whole(range: IntRange = 0..Int.MAX_VALUE): Int {
        val number = (value as? JsonNumber)?.text?.toIntOrNull()
        if (number == null || number !in range) fail("must be a whole number from ${range.first} to ${range.last}")
        return number
    }

    /** A text that is one of [choices]. */
    fun choice(vararg choices: String): String =
        text().also { if (it !in choices) fail("\"$it\" must be one of ${choices.joinToString()}") }

    fun texts(): List<String> = list().map { it.text() }

    fun wholes(range: IntRange = 0..Int.MAX_VALUE): IntArray = list().map { it.whole(range) }.toIntArray()

    /** @throws JsonException always: this value is not what it must be. */
    fun fail(what: String): Nothing = throw JsonException("$where: $what")

    private fun inside(key: String) = if (": " in where) "$where.$key" else "$where: $key"
}
