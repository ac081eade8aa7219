extension Templates {
    /// Every file of `Templates/`, by its name without ending. A test holds this list against the folder.
    static let sources: [(name: String, bytes: [UInt8])] = [
        ("application-delete", PackageResources.application_delete_mustache),
        ("application-form", PackageResources.application_form_mustache),
        ("applications", PackageResources.applications_mustache),
        ("area", PackageResources.area_mustache),
        ("carried", PackageResources.carried_mustache),
        ("coming-in", PackageResources.coming_in_mustache),
        ("copy", PackageResources.copy_mustache),
        ("door", PackageResources.door_mustache),
        ("door-page", PackageResources.door_page_mustache),
        ("empty", PackageResources.empty_mustache),
        ("error", PackageResources.error_mustache),
        ("failure", PackageResources.failure_mustache),
        ("field", PackageResources.field_mustache),
        ("icons", PackageResources.icons_mustache),
        ("layout", PackageResources.layout_mustache),
        ("mark", PackageResources.mark_mustache),
        ("resume", PackageResources.resume_mustache),
        ("rich", PackageResources.rich_mustache),
        ("sign-in", PackageResources.sign_in_mustache),
        ("sign-in-code", PackageResources.sign_in_code_mustache),
        ("switches", PackageResources.switches_mustache),
        ("tick", PackageResources.tick_mustache),
        ("time", PackageResources.time_mustache),
        ("without-https", PackageResources.without_https_mustache),
    ]
}
