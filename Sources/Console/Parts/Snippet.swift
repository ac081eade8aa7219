import Values

/// Lines to paste, that make a first call with a key.
struct Snippet: View {
    let id: String
    let name: String
    let text: String
    let isFirst: Bool

    /// - Parameters:
    ///   - base: the base URL of a client, which ends in `/v1`.
    ///   - key: the secret, shown this once.
    static func all(base: String, key: String, model: String, _ strings: Strings) -> [Snippet] {
        [
            Snippet(id: "curl", name: strings("snippet.curl"), text: curl(base, key, model), isFirst: true),
            Snippet(id: "python", name: strings("snippet.python"), text: python(base, key, model), isFirst: false),
            Snippet(
                id: "javascript", name: strings("snippet.javascript"), text: script(base, key, model), isFirst: false),
            Snippet(
                id: "dify", name: strings("snippet.dify"),
                text: strings("snippet.dify_text", ["base": base, "key": key, "model": model]), isFirst: false),
        ]
    }

    private static func curl(_ base: String, _ key: String, _ model: String) -> String {
        """
        curl \(base)/chat/completions \\
          -H "Authorization: Bearer \(key)" \\
          -H "Content-Type: application/json" \\
          -d '{"model": "\(model)", "messages": [{"role": "user", "content": "Hello"}]}'
        """
    }

    private static func python(_ base: String, _ key: String, _ model: String) -> String {
        """
        # pip install openai
        from openai import OpenAI

        client = OpenAI(
            base_url="\(base)",
            api_key="\(key)",
        )
        print(client.chat.completions.create(
            model="\(model)",
            messages=[{"role": "user", "content": "Hello"}],
        ).choices[0].message.content)
        """
    }

    private static func script(_ base: String, _ key: String, _ model: String) -> String {
        """
        const answer = await fetch("\(base)/chat/completions", {
          method: "POST",
          headers: {
            "Authorization": "Bearer \(key)",
            "Content-Type": "application/json",
          },
          body: JSON.stringify({
            model: "\(model)",
            messages: [{ role: "user", content: "Hello" }],
          }),
        })
        console.log((await answer.json()).choices[0].message.content)
        """
    }
}
