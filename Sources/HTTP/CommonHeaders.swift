package import HTTPTypes

extension HTTPFields {
    /// What every answer carries, whatever it is for: the request's name, and what keeps a browser from taking an answer
    /// for a page (checklist 3.2.1, 3.4.4).
    package mutating func addCommon(requestID: String) {
        self[.requestID] = requestID
        self[.xContentTypeOptions] = "nosniff"
        // A page says for itself what it may load.
        if self[.contentSecurityPolicy] == nil {
            self[.referrerPolicy] = "no-referrer"
            self[.contentSecurityPolicy] = "default-src 'none'; frame-ancestors 'none'"
        }
        self[.crossOriginResourcePolicy] = "same-origin"
    }
}

extension HTTPField.Name {
    package static let requestID = HTTPField.Name("X-Request-Id")!
    package static let referrerPolicy = HTTPField.Name("Referrer-Policy")!
    package static let csrfToken = HTTPField.Name("X-CSRF-Token")!
    package static let clearSiteData = HTTPField.Name("Clear-Site-Data")!
}
