import Catalog
import Database
import Management
import TestSupport
import Values

/// The provider has a model, the model an app, and the versions are in effect: none of them can be deleted.
extension MatrixAsk {
    static var providers: [MatrixAsk] {
        [
            MatrixAsk("createProvider", .createProvider) {
                try await $0.management.createProvider(
                    $0.caller, NewProvider(name: good("Another"), kind: .echo, baseURL: nil, secret: nil))
            },
            MatrixAsk("listProviders", .listProviders) { try await $0.management.listProviders($0.caller, Page()) },
            MatrixAsk("getProvider", .getProvider) {
                try await $0.management.getProvider($0.caller, $0.objects.provider)
            },
            MatrixAsk("updateProvider", .updateProvider) {
                try await $0.management.updateProvider(
                    $0.caller, $0.objects.provider, ProviderEdit(name: nil, baseURL: nil, secret: .keep))
            },
            MatrixAsk("deleteProvider", .deleteProvider) {
                try await $0.management.deleteProvider($0.caller, $0.objects.provider)
            },
            MatrixAsk("testProvider", .testProvider) {
                try await $0.management.testProvider($0.caller, $0.objects.provider)
            },
        ]
    }

    static var models: [MatrixAsk] {
        [
            MatrixAsk("createModel", .createModel) {
                try await $0.management.createModel(
                    $0.caller,
                    NewModel(
                        provider: $0.objects.provider, name: good("another"), upstreamName: nil, price: .standard))
            },
            MatrixAsk("listModels", .listModels) { try await $0.management.listModels($0.caller, Page()) },
            MatrixAsk("listModels (of a provider)", .listModelsOfProvider) {
                try await $0.management.listModels($0.caller, of: $0.objects.provider, Page())
            },
            MatrixAsk("getModel", .getModel) { try await $0.management.getModel($0.caller, $0.objects.model) },
            MatrixAsk("deleteModel", .deleteModel) {
                try await $0.management.deleteModel($0.caller, $0.objects.model)
            },
            MatrixAsk("createPrice", .createPrice) {
                try await $0.management.createPrice(
                    $0.caller, .standard, of: $0.objects.model, effectiveAt: nil)
            },
            MatrixAsk("listPrices", .listPrices) {
                try await $0.management.listPrices($0.caller, of: $0.objects.model, Page())
            },
            MatrixAsk("deletePrice", .deletePrice) {
                try await $0.management.deletePrice($0.caller, $0.objects.price, of: $0.objects.model)
            },
        ]
    }

    static var groups: [MatrixAsk] {
        [
            MatrixAsk("createGroup", .createGroup) {
                try await $0.management.createGroup($0.caller, good("silver"), .one)
            },
            MatrixAsk("listGroups", .listGroups) {
                try await $0.management.listGroups($0.caller, limit: 50, after: nil)
            },
            MatrixAsk("getGroup", .getGroup) { try await $0.management.getGroup($0.caller, $0.objects.group) },
            MatrixAsk("updateGroup", .updateGroup) {
                try await $0.management.updateGroup($0.caller, $0.objects.group, isRetired: false)
            },
            MatrixAsk("createMultiplier", .createMultiplier) {
                try await $0.management.createMultiplier(
                    $0.caller, .one, of: $0.objects.group, effectiveAt: nil)
            },
            MatrixAsk("listMultipliers", .listMultipliers) {
                try await $0.management.listMultipliers($0.caller, of: $0.objects.group, Page())
            },
            MatrixAsk("deleteMultiplier", .deleteMultiplier) {
                try await $0.management.deleteMultiplier(
                    $0.caller, $0.objects.multiplier, of: $0.objects.group)
            },
            MatrixAsk("previewMultiplier", .previewMultiplier) {
                try await $0.management.previewMultiplier($0.caller, .one, of: $0.objects.group, over: .days(1))
            },
        ]
    }
}
