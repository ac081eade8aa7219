import Accounts
import Audit
import Catalog
import Credentials
import Database
import Management
import Metering
import Policy
import TestSupport
import Values

import struct Applications.ApplicationEdit

extension MatrixAsk {
    /// Every row there is.
    static var table: [MatrixAsk] {
        keys + secrets + applications + oneself + platformTokens + providers + models + groups + tenants + people
            + records + comingIn
    }

    private static var keys: [MatrixAsk] {
        [
            MatrixAsk("createCredential", .createCredential) {
                try await $0.management.createCredential(
                    $0.caller, CredentialDraft(application: $0.objects.application, name: .empty, terms: KeyTerms()))
            },
            MatrixAsk("listCredentials", .listCredentials) {
                try await $0.management.listCredentials($0.caller, KeyListQuestion())
            },
            MatrixAsk("getCredential", .getCredential) {
                try await $0.management.getCredential($0.caller, $0.objects.credential)
            },
            MatrixAsk("updateCredential", .updateCredential) {
                try await $0.management.updateCredential($0.caller, $0.objects.credential, CredentialEdit())
            },
            MatrixAsk("deleteCredential", .deleteCredential, ending: .credential) {
                try await $0.management.deleteCredential($0.caller, $1)
            },
            MatrixAsk("explainCredential", .explainCredential) {
                try await $0.management.explainCredential(
                    $0.caller, $0.objects.credential,
                    ImaginedCall(application: nil, model: nil, address: nil, origin: nil, time: nil))
            },
            MatrixAsk("verifyKey", .verifyKey) {
                try await $0.management.verifyKey(
                    $0.caller,
                    KeyQuestion(
                        key: good("no key"), application: $0.objects.application, model: nil, address: nil,
                        origin: nil, isCharged: false, name: nil))
            },
        ]
    }

    private static var secrets: [MatrixAsk] {
        [
            MatrixAsk("revealCredential", .revealCredential) {
                try await $0.management.revealCredential(
                    $0.caller, $0.objects.credential, Proof(password: good("not the password"), code: nil))
            },
            MatrixAsk("rotateCredential", .rotateCredential) {
                try await $0.management.rotateCredential($0.caller, $0.objects.credential, overlap: 0)
            },
            MatrixAsk("retireCredential", .retireCredential) {
                try await $0.management.retireCredential($0.caller, $0.objects.credential)
            },
            MatrixAsk("reportLeak (action disable)", .reportLeakToDisable) {
                try await $0.management.reportLeak(
                    $0.caller,
                    LeakReport(token: nil, credential: $0.objects.leaked, action: .disable, source: nil))
            },
            MatrixAsk("reportLeak (action rotate)", .reportLeakToRotate) {
                try await $0.management.reportLeak(
                    $0.caller, LeakReport(token: nil, credential: $0.objects.leaked, action: .rotate, source: nil))
            },
        ]
    }

    private static var applications: [MatrixAsk] {
        [
            MatrixAsk("createApplication", .createApplication) {
                try await $0.management.createApplication(
                    $0.caller,
                    NewApplication(
                        name: good("Another"), kind: .chat, model: good("small"), allowedModels: nil,
                        systemPrompt: nil, parameters: .none))
            },
            MatrixAsk("listApplications", .listApplications) {
                try await $0.management.listApplications($0.caller, Page())
            },
            MatrixAsk("getApplication", .getApplication) {
                try await $0.management.getApplication($0.caller, $0.objects.application)
            },
            MatrixAsk("updateApplication", .updateApplication) {
                try await $0.management.updateApplication($0.caller, $0.objects.application, ApplicationEdit())
            },
            MatrixAsk("deleteApplication", .deleteApplication, ending: .application) {
                try await $0.management.deleteApplication($0.caller, $1, withKeys: false)
            },
            MatrixAsk("deleteApplication (with its keys)", .deleteApplicationWithKeys, ending: .application) {
                try await $0.management.deleteApplication($0.caller, $1, withKeys: true)
            },
        ]
    }

    private static var records: [MatrixAsk] {
        [
            MatrixAsk("getUsage", .getUsage) {
                try await $0.management.getUsage($0.caller, UsageQuestion())
            },
            MatrixAsk("getUsage (of the account here)", .getUsage, .getUsageOfAny) {
                try await $0.management.getUsage($0.caller, UsageQuestion(account: $0.objects.account))
            },
            MatrixAsk("listRefusedCalls", .listRefusedCalls) {
                try await $0.management.listRefusedCalls($0.caller, RefusedCallsQuestion())
            },
            MatrixAsk("listRefusedCalls (of the account here)", .listRefusedCalls, .listRefusedCallsOfAny) {
                try await $0.management.listRefusedCalls(
                    $0.caller, RefusedCallsQuestion(account: $0.objects.account))
            },
            MatrixAsk("listLedger", .listLedger) {
                try await $0.management.listLedger($0.caller, LedgerQuestion(), Page())
            },
            MatrixAsk("listLedger (of the account here)", .listLedger, .listLedgerOfAny) {
                try await $0.management.listLedger($0.caller, LedgerQuestion(account: $0.objects.account), Page())
            },
            MatrixAsk("listAudit", .listAudit, .listAuditOfAll) {
                try await $0.management.listAudit($0.caller, AuditFilter(), Page())
            },
            MatrixAsk("getDeploymentHealth", .getDeploymentHealth) {
                try await $0.management.getDeploymentHealth($0.caller)
            },
        ]
    }
}
