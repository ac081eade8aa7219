// swift-tools-version: 6.2
import PackageDescription

// Every target of ours is compiled the same way: Swift 6 language mode, warnings are errors, `any` is spelled out,
// and a file may use only what it imports itself.
let house: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let sqlite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")

/// One floor of the house; `on` names the floors and libraries below it that it imports.
func floor(_ name: String, on dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: house)
}

/// The tests of one floor; `others` names what they import beside it.
func tests(of name: String, _ others: [Target.Dependency]) -> Target {
    .testTarget(name: "\(name)Tests", dependencies: [.target(name: name)] + others, swiftSettings: house)
}

let package = Package(
    name: "latchkey",
    products: [.executable(name: "latchkey", targets: ["latchkey"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-configuration", exact: "1.4.0"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", exact: "2.1.1"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
    targets: [
        .systemLibrary(name: "CArgon2", pkgConfig: "libargon2", providers: [.apt(["libargon2-dev"])]),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),

        floor("Values"),
        floor("JSON", on: ["Values"]),
        floor("Wire", on: [nioCore]),
        floor("Policy", on: ["Values"]),
        floor("Secrets", on: ["Values", "CArgon2", crypto]),
        floor("Scan", on: ["Secrets"]),
        floor("Database", on: ["Values", .product(name: "GRDB", package: "GRDB.swift"), sqlite]),
        floor("HTTP", on: ["Values", "JSON", "Policy", httpTypes]),

        floor("Line", on: ["Values", "JSON", "Wire", "HTTP", httpTypes, nioCore, nioPosix]),

        floor("Audit", on: ["Values", "Secrets", "Database"]),
        floor("Catalog", on: ["Values", "Secrets", "Database", "Audit"]),
        floor("Accounts", on: ["Values", "Policy", "Secrets", "Database", "Audit", "Catalog"]),
        floor("Applications", on: ["Values", "JSON", "Policy", "Database", "Audit", "Catalog", "Accounts"]),
        floor(
            "Credentials",
            on: ["Values", "Policy", "Secrets", "Database", "Audit", "Catalog", "Accounts", "Applications"]),
        floor(
            "Metering",
            on: ["Values", "Policy", "Secrets", "Database", "Audit", "Catalog", "Accounts", "Credentials", crypto]),

        floor(
            "Calls",
            on: ["Values", "Policy", "Secrets", "Catalog", "Accounts", "Applications", "Credentials", "Metering"]),

        floor(
            "Management",
            on: [
                "Values", "Policy", "Secrets", "Database", "Audit", "Catalog", "Accounts", "Applications",
                "Credentials",
                "Metering", "Calls", crypto,
            ]),

        floor(
            "Web",
            on: [
                "Values", "JSON", "Wire", "HTTP", "Line", "CZlib", hummingbird, hummingbirdCore, httpTypes, logging,
                nioCore,
            ]),
        floor(
            "Gateway",
            on: [
                "Values", "JSON", "Wire", "HTTP", "Line", "Policy", "Secrets", "Catalog", "Accounts", "Applications",
                "Credentials", "Metering", "Calls", "CZlib", httpTypes, logging, nioCore, nioPosix, nioTLS, nioSSL,
            ]),
        floor("Entrance", on: ["Values", "HTTP", "Secrets", "Accounts", "Management", httpTypes]),
        floor(
            "ManagementAPI",
            on: [
                "Values", "JSON", "HTTP", "Policy", "Secrets", "Database", "Web", "Entrance", "Audit", "Catalog",
                "Accounts",
                "Applications", "Credentials", "Metering", "Calls", "Management", hummingbird, httpTypes, logging,
                nioCore,
            ]),
        .target(
            name: "Console",
            dependencies: [
                "Values", "JSON", "HTTP", "Policy", "Secrets", "Database", "Web", "Entrance", "Audit", "Catalog",
                "Accounts", "Applications", "Credentials", "Metering", "Calls", "Management", hummingbird, httpTypes,
                crypto, logging, nioCore, .product(name: "Mustache", package: "swift-mustache"),
            ],
            resources: [
                .embedInCode("Templates"), .embedInCode("Strings"), .embedInCode("console.css"),
                .embedInCode("console.js"), .embedInCode("mark.svg"),
            ],
            swiftSettings: house),
        .executableTarget(
            name: "latchkey",
            dependencies: [
                "Values", "JSON", "HTTP", "Policy", "Secrets", "Database", "Web", "Audit", "Catalog", "Accounts",
                "Applications", "Credentials", "Metering", "Calls", "Management", "Gateway", "ManagementAPI",
                "Console", "Scan", "Line",
                hummingbird, httpTypes, logging, nioCore, nioHTTP1, nioPosix, nioSSL,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            resources: [.embedInCode("openapi.yaml")],
            swiftSettings: house),

        .executableTarget(
            name: "CheckBenchmark",
            dependencies: [
                "Values", "Accounts", "Applications", "Audit", "Calls", "Catalog", "Credentials", "Database",
                "Metering",
                "Policy", "Secrets",
            ],
            path: "Benchmarks/CheckBenchmark", swiftSettings: house),
        .executableTarget(
            name: "ChargeBenchmark",
            dependencies: [
                "Values", "Accounts", "Applications", "Audit", "Catalog", "Credentials", "Database", "Metering",
                "Policy", "Secrets", sqlite,
            ],
            path: "Benchmarks/ChargeBenchmark", swiftSettings: house),

        .target(
            name: "TestSupport",
            dependencies: [
                "Values", "Policy", "Secrets", "Database", "Audit", "Catalog", "Accounts", "Applications",
                "Credentials",
                "Metering", "Calls", "Management",
            ],
            path: "Tests/TestSupport", swiftSettings: house),
        tests(of: "Values", ["TestSupport"]),
        tests(
            of: "Wire",
            ["TestSupport", "Values", nioCore, nioHTTP1, .product(name: "NIOEmbedded", package: "swift-nio")]),
        tests(of: "JSON", ["TestSupport", "Values"]),
        tests(of: "Policy", ["Values", "TestSupport"]),
        tests(of: "Secrets", ["Values", "CArgon2", crypto]),
        tests(of: "Scan", []),
        tests(of: "Database", ["Values"]),
        tests(
            of: "HTTP",
            ["Values", httpTypes]
        ),
        tests(
            of: "Line",
            [
                "Values", "Wire", "HTTP", httpTypes, nioCore,
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ]),
        tests(of: "Audit", ["Values", "Database", "Secrets"]),
        tests(of: "Catalog", ["TestSupport", "Values", "Audit", "Database", "Secrets"]),
        tests(of: "Accounts", ["TestSupport", "Values", "Audit", "Catalog", "Database", "Policy", "Secrets", crypto]),
        tests(
            of: "Credentials",
            [
                "TestSupport", "Values", "JSON", "Accounts", "Applications", "Audit", "Catalog", "Database", "Policy",
                "Secrets",
                crypto,
            ]),
        tests(
            of: "Metering",
            [
                "TestSupport", "Values", "JSON", "Accounts", "Applications", "Audit", "Catalog", "Credentials",
                "Database", "Policy",
                "Secrets",
            ]),
        tests(
            of: "Calls",
            [
                "TestSupport", "Values", "Accounts", "Applications", "Audit", "Catalog", "Credentials", "Database",
                "Metering",
                "Policy", "Secrets",
            ]),
        tests(
            of: "Gateway",
            [
                "TestSupport", "Values", "JSON", "Wire", "HTTP", "Applications", "Catalog", "Metering", "Policy",
                "Secrets", "CZlib", httpTypes, nioCore, nioPosix, nioSSL,
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ]),
        tests(
            of: "Web",
            [
                "Values", "HTTP", "Line", hummingbird, httpTypes, logging, nioCore,
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ]),
        tests(
            of: "Management",
            [
                "TestSupport", "Values", "JSON", "Accounts", "Audit", "Calls", "Applications", "Catalog", "Credentials",
                "Database", "Metering", "Policy", "Secrets",
            ]),
        tests(
            of: "ManagementAPI",
            [
                "TestSupport", "Values", "JSON", "HTTP", "Web", "Accounts", "Management", "Secrets", hummingbird,
                httpTypes, logging, nioCore, .product(name: "NIOEmbedded", package: "swift-nio"),
            ]),
        tests(
            of: "Console",
            [
                "TestSupport", "Values", "JSON", "HTTP", "Policy", "Web", "Accounts", "Applications", "Audit", "Calls",
                "Credentials", "Database", "Management", "Metering", "Secrets", hummingbird, httpTypes, logging,
                nioCore,
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ]),
        tests(
            of: "latchkey",
            [
                "Values", "Web", "Console", "Gateway", logging, .product(name: "Yams", package: "Yams"),
            ]),
    ],
    swiftLanguageModes: [.v6]
)
