import Glibc
import NIOCore

extension Channel {
    /// Makes the next close a reset (SO_LINGER with no time): for an answer whose end would otherwise look like the whole.
    func breakOnClose() {
        // Done at once on the channel's own event loop; a channel without a socket has no such option.
        _ = (self as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
    }
}
