import Foundation
import HTTP
import Hummingbird
import Management
import Values
import Web

extension Console {
    func declareStart(_ routes: inout Routes) {
        for path in ["/", "/console"] {
            openPage(&routes, path) { visit in
                if visit.caller.actor != nil { return visit.see(Navigation.Place.applications.path) }
                return visit.toSignIn()
            }
        }
        // Whatever else is asked for, so that who is signed in keeps their frame.
        openPage(&routes, "/console/**") { _ in throw Problem.notFound }
    }
}

extension Visit {
    /// To the sign-in, and from there back to where the person wanted to go.
    func toSignIn() -> Response {
        let path = request.uri.string
        guard let next = LocalPath(Text(path)), next != .start else { return see("/console/sign-in") }
        return see("/console/sign-in?next=" + (path.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""))
    }
}
