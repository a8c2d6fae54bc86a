package org.slrkeras.core.json

import org.junit.jupiter.api.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue

class JsonReaderTest {
    @Test
    fun `every kind of value is read`() {
        val text = """ { "a" : [1, -2.5e3, true, false, null], "b": {"c": "\"\\\/\b\f\n\r\t\u00e9"} } """
        val found = JsonField(parseJson(text, "here"), "here")
        val (one, two, yes, no, nothing) = found["a"].list()
        assertEquals(1, one.whole())
        assertEquals(-2500.0, two.number())
        assertEquals(true to false, yes.boolean() to no.boolean())
        assertEquals(JsonNull, nothing.value)
        assertEquals("\"\\/\b\u000c\n\r\té", found["b"]["c"].text())
    }

    @Test
    fun `the canonical form is that of Python's sorted keys without spaces`() {
        val text = "{\"b\": [1.50, 1e-05], \"a\": \"\\u00e9\\n\\u007f\", \"A\": {}}"
        assertEquals(
            "{\"A\":{},\"a\":\"\\u00e9\\n\\u007f\",\"b\":[1.50,1e-05]}".replace("\\u007f", "\u007f"),
            parseJson(text, "here").canonical().replace("\\u007f", "\u007f"),
        )
    }

    @Test
    fun `what is no JSON is refused with its line`() {
        val wrong = listOf(
            "", " ", "{", "[1,]", "{\"a\":1,}", "{a:1}", "[1 2]", "01", "1.", ".5", "+1",
            "NaN", "Infinity", "'a'", "\"a",
            "\"\\x\"", "\"\\u12g4\"", "\"\n\"", "[1] 2", "tru", "nul",
            "{\"a\":1,\"a\":2}", "// no\n1", "\uFEFF1", "-", "--1",
        )
        for (text in wrong) {
            val told = assertFailsWith<JsonException>(text) { parseJson(text, "here") }
            assertTrue(told.message!!.startsWith("here:"), told.message)
        }
        val told = assertFailsWith<JsonException> { parseJson("{\n\n \"a\": x}", "here") }
        assertTrue(told.message!!.startsWith("here:3: "), told.message)
    }

    @Test
    fun `values nested without end are refused, not overflowed`() {
        val told = assertFailsWith<JsonException> { parseJson("[".repeat(100_000), "here") }
        assertTrue("deep" in told.message!!)
        parseJson("[".repeat(99) + "]".repeat(99), "here")
    }

    @Test
    fun `what is not there or of another kind is named by its place`() {
        val field = JsonField(parseJson("""{"a": {"b": [1, "x"]}}""", "file.json"), "file.json")
        fun told(ask: () -> Unit) = assertFailsWith<JsonException> { ask() }.message
        assertEquals("file.json: a: the key \"c\" is missing", told { field["a"]["c"] })
        assertEquals("file.json: a.b[1]: must be a whole number from 0 to 9", told { field["a"]["b"].wholes(0..9) })
        assertEquals("file.json: a.b: must be a text", told { field["a"]["b"].text() })
        assertEquals("file.json: must be a list", told { field.list() })
    }
}
