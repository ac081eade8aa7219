import Accounts
import Applications
import JSON
import TestSupport
import Testing
import Values

@Suite("Parameters of an app")
struct ChatParametersTests {
    private func parameters(_ text: String) throws -> ChatParameters {
        try ChatParameters(#require(try JSON.parse(text.utf8).object))
    }

    @Test(
        "what a parameter may be, to the bounds",
        arguments: [
            "{}", #"{"temperature":0}"#, #"{"temperature":2.0}"#, #"{"top_p":1}"#, #"{"top_p":0.0}"#,
            #"{"presence_penalty":-2,"frequency_penalty":2}"#, #"{"max_tokens":1}"#,
            #"{"max_completion_tokens":1000000000}"#,
            #"{"seed":-42}"#, #"{"seed":9223372036854775807}"#, #"{"stop":"END"}"#, #"{"stop":["a","b","c","d"]}"#,
        ])
    func good(text: String) throws { #expect(try JSON.object(parameters(text).object).text == text) }

    @Test(
        "what it may not be, by name",
        arguments: [
            (#"{"temperature":2.0001}"#, "parameters.temperature"),
            (#"{"temperature":-0.1}"#, "parameters.temperature"),
            (#"{"temperature":"1"}"#, "parameters.temperature"), (#"{"temperature":null}"#, "parameters.temperature"),
            (#"{"temperature":1e400}"#, "parameters.temperature"), (#"{"top_p":1.1}"#, "parameters.top_p"),
            (#"{"presence_penalty":-2.5}"#, "parameters.presence_penalty"),
            (#"{"frequency_penalty":true}"#, "parameters.frequency_penalty"),
            (#"{"max_tokens":0}"#, "parameters.max_tokens"),
            (#"{"max_tokens":1.5}"#, "parameters.max_tokens"), (#"{"max_tokens":1000000001}"#, "parameters.max_tokens"),
            (#"{"max_completion_tokens":-1}"#, "parameters.max_completion_tokens"),
            (#"{"seed":0.5}"#, "parameters.seed"),
            (#"{"seed":9223372036854775808}"#, "parameters.seed"), (#"{"stop":[]}"#, "parameters.stop"),
            (#"{"stop":["a","b","c","d","e"]}"#, "parameters.stop"), (#"{"stop":["a",1]}"#, "parameters.stop"),
            (#"{"stop":null}"#, "parameters.stop"), (#"{"temperature":1,"model":"x"}"#, "parameters"),
            (#"{"messages":[]}"#, "parameters"), (#"{"stream":true}"#, "parameters"),
            (#"{"Temperature":1}"#, "parameters"),
        ])
    func bad(text: String, field: String) throws {
        let broken = #expect(throws: InvalidField.self) { try parameters(text) }
        #expect(broken?.field == field)
    }

    @Test("literals are kept digit by digit, through the database too") func literals() async throws {
        let text = #"{"top_p":0.70,"temperature":1.0e0,"stop":["\n"],"seed":12345678901234567}"#
        let house = try await KeysHouse()
        var edit = ApplicationEdit()
        edit.parameters = try parameters(text)
        _ = try await house.applications.edit(house.cat.id, of: house.ada.account, edit, by: .test)
        let stored = try await house.applications.find(house.cat.id, of: house.ada.account).chat.parameters
        #expect(JSON.object(stored.object).text == text)
        edit.parameters = ChatParameters.none
        let cleared = try await house.applications.edit(house.cat.id, of: house.ada.account, edit, by: .test)
        #expect(cleared.chat.parameters.object.members.isEmpty)
    }
}
