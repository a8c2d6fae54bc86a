package org.slrkeras.core.json

/** Deeper values are refused, because the reader is recursive. */
private const val DEEPEST = 100

private val NUMBER = Regex("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?")

/**
 * Parse a text of one JSON value strictly: no comments, no trailing commas, no duplicate keys.
 *
 * @param where name of the text in messages, such as a file name
 * @throws JsonException if the text is not valid JSON; the message names the line
 */
fun parseJson(text: String, where: String): Json = JsonReader(text, where).document()

private class JsonReader(private val text: String, private val where: String) {
    private var place = 0

    fun document(): Json {
        val value = value(0)
        space()
        if (place < text.length) fail("something follows the value")
        return value
    }

    private fun value(depth: Int): Json {
        if (depth > DEEPEST) fail("values lie more than $DEEPEST deep in each other")
        space()
        return when (peek()) {
            '{' -> members(depth)
            '[' -> elements(depth)
            '"' -> JsonText(string())
            't' -> word("true", JsonBoolean(true))
            'f' -> word("false", JsonBoolean(false))
            'n' -> word("null", JsonNull)
            else -> number()
        }
    }

    private fun members(depth: Int): Json {
        val members = LinkedHashMap<String, Json>()
        place++
        if (closes('}')) return JsonObject(members)
        do {
            space()
            if (peek() != '"') fail("a key in double quotes is expected")
            val key = string()
            space()
            expect(':')
            val value = value(depth + 1)
            if (members.put(key, value) != null) fail("the key \"$key\" is there twice")
        } while (goesOn('}'))
        return JsonObject(members)
    }

    private fun elements(depth: Int): Json {
        val elements = ArrayList<Json>()
        place++
        if (closes(']')) return JsonArray(elements)
        do elements.add(value(depth + 1)) while (goesOn(']'))
        return JsonArray(elements)
    }

    private fun closes(bracket: Char): Boolean {
        space()
        if (peek() != bracket) return false
        place++
        return true
    }

    private fun goesOn(bracket: Char): Boolean {
        if (closes(bracket)) return false
        expect(',')
        return true
    }

    private fun string(): String {
        place++
        val letters = StringBuilder()
        while (true) {
            val letter = next()
            when {
                letter == '"' -> return letters.toString()
                letter == '\\' -> letters.append(escaped())
                letter < ' ' -> fail("a control character within a text")
                else -> letters.append(letter)
            }
        }
    }

    private fun escaped(): Char = when (val letter = next()) {
        '"', '\\', '/' -> letter
        'b' -> '\b'
        'f' -> '\u000c'
        'n' -> '\n'
        'r' -> '\r'
        't' -> '\t'
        'u' -> codeUnit()
        else -> fail("the escape \\$letter does not exist")
    }

    private fun codeUnit(): Char {
        var code = 0
        repeat(4) {
            val digit = Character.digit(next(), 16)
            if (digit < 0) fail("\\u needs four hexadecimal digits")
            code = code * 16 + digit
        }
        return code.toChar()
    }

    private fun number(): Json {
        val end = (place until text.length).firstOrNull { text[it] !in "+-.0123456789eE" } ?: text.length
        val written = text.substring(place, end)
        if (!NUMBER.matches(written)) fail("a value is expected")
        place = end
        return JsonNumber(written)
    }

    private fun word(word: String, value: Json): Json {
        if (!text.startsWith(word, place)) fail("a value is expected")
        place += word.length
        return value
    }

    private fun space() {
        while (place < text.length && text[place] in " \n\r\t") place++
    }

    private fun expect(letter: Char) {
        if (peek() != letter) fail("'$letter' is expected")
        place++
    }

    private fun peek(): Char = if (place < text.length) text[place] else fail("the text ends too early")

    private fun next(): Char = peek().also { place++ }

    private fun fail(what: String): Nothing {
        val line = 1 + text.substring(0, minOf(place, text.length)).count { it == '\n' }
        throw JsonException("$where:$line: not valid JSON: $what")
    }
}
