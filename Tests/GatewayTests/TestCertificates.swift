/// Certificates for tests, made once, valid until 2126; the key protects nothing.
enum TestCertificates {
    /// The authority that the tests trust.
    static let authority = """
        -----BEGIN CERTIFICATE-----
        MIIBNTCB3KADAgECAgEBMAoGCCqGSM49BAMCMBkxFzAVBgNVBAMMDnRlc3QgYXV0
        aG9yaXR5MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjYwMTAxMDAwMDAwWjAZMRcwFQYD
        VQQDDA50ZXN0IGF1dGhvcml0eTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABBoR
        HgVwRBsZ5UB44TEJhrV1jHWXYcXdxPmKapwzKIG+6iFfJ6drXwsnaYNASvDdUC+n
        Az6xmaGlXXBpJhIHp6SjEzARMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwID
        SAAwRQIhAO2WYIDRksima02XEZQ1BJnsvEgJfNhZ1pcuh6ZVH4KhAiB9ItEJ0VcJ
        KZ5V5u3QVbCCa4/NspxBPYX2oAlBHTo26g==
        -----END CERTIFICATE-----
        """

    /// The private key of all that follow.
    static let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgQVlUi1IVAjaKPcyN
        iFGL6zbuRW88xiO3EgQDz/587sqhRANCAASDGzOj3xAdGhpw8axEmZFVrnUMtImz
        XFwdLlsx9/m0ijxJDm2tVGGZnP6B2FmG+5wD6ND59Kx3CV7YAqX9j2NN
        -----END PRIVATE KEY-----
        """

    /// For `localhost` and 127.0.0.1.
    static let good = """
        -----BEGIN CERTIFICATE-----
        MIIBTjCB9KADAgECAgECMAoGCCqGSM49BAMCMBkxFzAVBgNVBAMMDnRlc3QgYXV0
        aG9yaXR5MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjYwMTAxMDAwMDAwWjAYMRYwFAYD
        VQQDDA10ZXN0IHVwc3RyZWFtMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEgxsz
        o98QHRoacPGsRJmRVa51DLSJs1xcHS5bMff5tIo8SQ5trVRhmZz+gdhZhvucA+jQ
        +fSsdwle2AKl/Y9jTaMsMCowGgYDVR0RBBMwEYIJbG9jYWxob3N0hwR/AAABMAwG
        A1UdEwEB/wQCMAAwCgYIKoZIzj0EAwIDSQAwRgIhAIfu6SZUTga7DVDQ5WN1HVaN
        JJLAco29AhNaLi/CAodyAiEAnO6JTlrup/HRIsfZMoDiFWcbVoJsRmg7A8WVjN76
        UbE=
        -----END CERTIFICATE-----
        """

    /// The same, until 2021-01-01.
    static let expired = """
        -----BEGIN CERTIFICATE-----
        MIIBSzCB8qADAgECAgEDMAoGCCqGSM49BAMCMBkxFzAVBgNVBAMMDnRlc3QgYXV0
        aG9yaXR5MB4XDTIwMDEwMTAwMDAwMFoXDTIxMDEwMTAwMDAwMFowGDEWMBQGA1UE
        AwwNdGVzdCB1cHN0cmVhbTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABIMbM6Pf
        EB0aGnDxrESZkVWudQy0ibNcXB0uWzH3+bSKPEkOba1UYZmc/oHYWYb7nAPo0Pn0
        rHcJXtgCpf2PY02jLDAqMBoGA1UdEQQTMBGCCWxvY2FsaG9zdIcEfwAAATAMBgNV
        HRMBAf8EAjAAMAoGCCqGSM49BAMCA0gAMEUCIHguIybGcYNF1KX0ZEIjdGL6OXxS
        2L92uJHBagTc9K2fAiEA7KSGoMf6EIJbNpMdPVNnqPeoZ6PtnDn4zLhT2ZGm4pM=
        -----END CERTIFICATE-----
        """

    /// For `elsewhere.example`.
    static let elsewhere = """
        -----BEGIN CERTIFICATE-----
        MIIBTzCB9qADAgECAgEEMAoGCCqGSM49BAMCMBkxFzAVBgNVBAMMDnRlc3QgYXV0
        aG9yaXR5MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjYwMTAxMDAwMDAwWjAYMRYwFAYD
        VQQDDA10ZXN0IHVwc3RyZWFtMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEgxsz
        o98QHRoacPGsRJmRVa51DLSJs1xcHS5bMff5tIo8SQ5trVRhmZz+gdhZhvucA+jQ
        +fSsdwle2AKl/Y9jTaMuMCwwHAYDVR0RBBUwE4IRZWxzZXdoZXJlLmV4YW1wbGUw
        DAYDVR0TAQH/BAIwADAKBggqhkjOPQQDAgNIADBFAiAW2oC5EtDmgpA9irmBIqoX
        fNZrE41jDMFGqD0ymCUt9QIhAJew/JKkNjVyT4gCVWn6+rOpIyINuPhbClCO5Rke
        dKLa
        -----END CERTIFICATE-----
        """

    /// For `localhost`, by itself.
    static let selfSigned = """
        -----BEGIN CERTIFICATE-----
        MIIBSzCB86ADAgECAgEFMAoGCCqGSM49BAMCMBgxFjAUBgNVBAMMDXRlc3QgdXBz
        dHJlYW0wIBcNMjAwMTAxMDAwMDAwWhgPMjEyNjAxMDEwMDAwMDBaMBgxFjAUBgNV
        BAMMDXRlc3QgdXBzdHJlYW0wWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASDGzOj
        3xAdGhpw8axEmZFVrnUMtImzXFwdLlsx9/m0ijxJDm2tVGGZnP6B2FmG+5wD6ND5
        9Kx3CV7YAqX9j2NNoywwKjAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwDAYD
        VR0TAQH/BAIwADAKBggqhkjOPQQDAgNHADBEAiApLK2GLcI5tGtZfLuz/gyOKwhe
        vzYNFUdmSx4aABIAnQIgHGrszENq3A8qpPU8rGm7fv1OJx4DQsWKbh4Dobmktdw=
        -----END CERTIFICATE-----
        """
}
