import HTTPTypes

/// Two `Authorization` fields, as two lines on the wire arrive.
enum HTTPFieldsOfTwo {
    static var headers: HTTPFields {
        var fields = HTTPFields()
        fields.append(HTTPField(name: .authorization, value: "Bearer a"))
        fields.append(HTTPField(name: .authorization, value: "Bearer b"))
        return fields
    }
}
